import type { Role } from '@slipway/contract/access'
import { type Kysely, sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import { hashSecret, newTokenSecret } from './token-secret.ts'

/** Milliseconds that a token is remembered beyond its end, so that what it was given for stays used. */
const rememberedMs = 3_600_000

/**
 * Makes a short-lived token for what somebody else vouches for, and sweeps those that ended long ago. The
 * name is good for one token, whatever becomes of it: a second one is a `resource_conflict`.
 */
export async function createExchangedToken(
  deps: { db: Kysely<Tables> },
  input: {
    name: string
    roles: readonly Role[]
    /** The only one it sees. */
    repository: string
    /** Issuer and subject; all tokens of one are one person. */
    exchangedFor: string
    expiresAt: Date
  },
): Promise<{ id: string; token: string }> {
  const secret = newTokenSecret()
  const id = uuid()
  const now = new Date()
  const inserted = await deps.db.transaction().execute(async (trx) => {
    await trx
      .deleteFrom('tokens')
      .where('exchanged_for', 'is not', null)
      .where('expires_at', '<', new Date(now.getTime() - rememberedMs))
      .execute()
    // Of two at the same moment, the second waits for the first, and finds its token.
    await sql`select pg_advisory_xact_lock(hashtextextended(${input.name}, 14))`.execute(trx)
    const used = await trx
      .selectFrom('tokens')
      .select('id')
      .where('exchanged_for', 'is not', null)
      .where('name', '=', input.name)
      .executeTakeFirst()
    if (used !== undefined) return false
    await trx
      .insertInto('tokens')
      .values({
        id,
        name: input.name,
        secret_sha256: hashSecret(secret),
        roles: [...input.roles],
        repositories: [input.repository],
        created_by: input.exchangedFor,
        created_at: now,
        expires_at: input.expiresAt,
        exchanged_for: input.exchangedFor,
      })
      .execute()
    return true
  })
  if (inserted) return { id, token: secret }
  throw new AppError('resource_conflict', 'This token has been exchanged already: ask for another')
}
