import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { isTokenValid } from './is-token-valid.ts'
import { hashSecret } from './token-secret.ts'

/**
 * Who a ticket stands for, once: null when it is unknown, spent or expired, or when the token
 * that it was made with has been revoked or has expired since.
 */
export async function spendTicket(
  deps: { db: Kysely<Tables> },
  input: { ticket: string },
): Promise<Principal | null> {
  const row = await deps.db
    .deleteFrom('tickets')
    .where('secret_sha256', '=', hashSecret(input.ticket))
    .returning(['principal', 'expires_at'])
    .executeTakeFirst()
  if (row === undefined || row.expires_at <= new Date()) return null
  const principal = row.principal as Principal
  return (await isTokenValid(deps, { principal })) ? principal : null
}
