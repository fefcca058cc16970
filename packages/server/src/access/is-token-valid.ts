import type { Kysely } from 'kysely'
import { validate as isUuid } from 'uuid'
import type { Tables } from '../db/tables.gen.ts'

/** Whether a principal's token is still good; one that has no row here (the administrator's) is. */
export async function isTokenValid(
  deps: { db: Kysely<Tables> },
  input: { principalId: string },
): Promise<boolean> {
  if (!isUuid(input.principalId)) return true
  const token = await deps.db
    .selectFrom('tokens')
    .select('id')
    .where('id', '=', input.principalId)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', new Date())]))
    .executeTakeFirst()
  return token !== undefined
}
