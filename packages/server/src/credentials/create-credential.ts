import type { CreateCredentialRequest, Credential } from '@slipway/contract/credentials'
import { sql } from 'kysely'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import { checkRequest } from './check-request.ts'
import { nameTaken, sealedRecord, shownColumns, toCredential } from './credential-rows.ts'
import type { CredentialsDeps } from './deps.ts'

/**
 * Stores a credential, sealed; its data has passed the contract's schema of its type. A
 * `resource_conflict` where there is one with the name.
 */
export async function createCredential(
  deps: CredentialsDeps,
  input: { principal: Principal; request: CreateCredentialRequest },
): Promise<Credential> {
  const { principal, request } = input
  requireUnlimited(principal, 'Credentials')
  checkRequest(request)
  const { rows } = await sql<{ id: number }>`
    select nextval(pg_get_serial_sequence('credentials', 'id'))::integer as id`.execute(deps.db)
  const { name, credential_type } = request
  const identity = { id: rows[0]?.id ?? 0, name, credential_type }
  const now = new Date()
  const row = await deps.db
    .insertInto('credentials')
    .values({
      ...identity,
      sealed: deps.vault.seal(sealedRecord(identity), JSON.stringify(request.credential_data)),
      metadata: JSON.stringify(request.metadata ?? {}),
      expires_at: request.expires_at ?? null,
      created_by: principal.name,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning(shownColumns)
    .executeTakeFirst()
  if (row === undefined) throw nameTaken(name)
  return toCredential(row)
}
