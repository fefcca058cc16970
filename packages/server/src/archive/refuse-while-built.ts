import type { Transaction } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'

/**
 * Refuses (`resource_conflict`) to delete what builds refer to, unless it is archived. To be called
 * behind the lock of its row, so that a build which is being made is seen.
 */
export async function refuseWhileBuilt(
  trx: Transaction<Tables>,
  input: {
    /** For people: "The registry". */
    what: string
    row: { id: number; name: string; archived_at: Date | null }
    /** The column of `builds` that refers to it. */
    column: 'git_repository_id' | 'registry_id' | 'branding_template_id' | 'configuration_id'
  },
): Promise<void> {
  const { what, row, column } = input
  if (row.archived_at !== null) return
  const build = await trx
    .selectFrom('builds')
    .select('id')
    .where(column, '=', row.id)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (build === undefined) return
  throw new AppError(
    'resource_conflict',
    `${what} ${row.name} is used by the build ${build.id}: archive it first`,
    { in_use: true },
  )
}
