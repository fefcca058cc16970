import type { CreatedTicket } from '@slipway/contract/access'
import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { hashSecret, newTicketSecret } from './token-secret.ts'

/** Milliseconds within which a ticket must be spent. */
const ticketLifetimeMs = 60_000

/** Makes a ticket that stands for the principal on one request, and sweeps those that expired. */
export async function createTicket(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal },
): Promise<CreatedTicket> {
  const secret = newTicketSecret()
  const now = new Date()
  const expiresAt = new Date(now.getTime() + ticketLifetimeMs)
  await deps.db
    .with('swept', (db) => db.deleteFrom('tickets').where('expires_at', '<=', now))
    .insertInto('tickets')
    .values({
      secret_sha256: hashSecret(secret),
      principal: JSON.stringify(input.principal),
      expires_at: expiresAt,
    })
    .execute()
  return { ticket: secret, expires_at: expiresAt.toISOString() }
}
