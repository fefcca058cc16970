import type { Kysely } from 'kysely'
import { canSee } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { type BuildWithoutLog, toBuilds } from './build-rows.ts'

/** A build with its steps and outputs, without its log. Null: there is none that the principal may see. */
export async function findBuildState(
  { db }: { db: Kysely<Tables> },
  input: { principal: Principal; id: number },
): Promise<BuildWithoutLog | null> {
  const row = await db
    .selectFrom('builds')
    .selectAll()
    .where('id', '=', input.id)
    .executeTakeFirst()
  if (row === undefined || !canSee(input.principal, row.repository)) return null
  const [build] = await toBuilds({ db }, [row])
  return build ?? null
}
