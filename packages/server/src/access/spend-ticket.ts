import type { Kysely } from 'kysely'
import { validate as isUuid } from 'uuid'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { hashSecret } from './token-secret.ts'

/**
 * Who a ticket stands for, once: null when it is unknown, spent or expired, or when the token
 * that it was made with has been revoked or has expired since.
 */
export async function spendTicket(
  deps: { db: Kysely<Tables> },
  input: { ticket: string },
): Promise<Principal | null> {
  const now = new Date()
  const row = await deps.db
    .deleteFrom('tickets')
    .where('secret_sha256', '=', hashSecret(input.ticket))
    .returning(['principal', 'expires_at'])
    .executeTakeFirst()
  if (row === undefined || row.expires_at <= now) return null
  const principal = row.principal as unknown as Principal
  if (!isUuid(principal.id)) return principal
  const token = await deps.db
    .selectFrom('tokens')
    .select('id')
    .where('id', '=', principal.id)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .executeTakeFirst()
  return token === undefined ? null : principal
}
