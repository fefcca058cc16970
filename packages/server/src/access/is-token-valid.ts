import { type Kysely, sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'

/**
 * Whether what a principal was known by is still good: the session, the issuer's token, or our own; one that
 * has no row here and no end (the administrator's) is.
 */
export async function isTokenValid(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal },
): Promise<boolean> {
  const { id, session, expiresAt } = input.principal
  if (session !== undefined) {
    if (!(await isSessionAlive(deps, session))) return false
  } else if (expiresAt !== undefined && expiresAt <= Date.now()) {
    return false
  }
  if (!isUuid(id)) return true
  const token = await deps.db
    .selectFrom('tokens')
    .select('id')
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', new Date())]))
    .executeTakeFirst()
  return token !== undefined
}

/** One whose issuer was not asked again in time is not. */
async function isSessionAlive({ db }: { db: Kysely<Tables> }, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', id)
    .where('ends_at', '>', new Date())
    .where((eb) =>
      eb.or([eb('bearer_expires_at', 'is', null), eb('bearer_expires_at', '>', sql<Date>`now()`)]),
    )
    .executeTakeFirst()
  return row !== undefined
}
