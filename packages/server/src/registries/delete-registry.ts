import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type RegistriesDeps, things } from './deps.ts'
import { noSuchRegistry } from './registry-rows.ts'

/** Deletes a registry. A `resource_conflict` while builds refer to it, unless it is archived. */
export async function deleteRegistry(
  { db }: Pick<RegistriesDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<void> {
  const { principal, id } = input
  requireUnlimited(principal, things)
  await db.transaction().execute(async (trx) => {
    // Behind the lock, so that a build which is being made is seen.
    const row = await trx
      .selectFrom('container_registries')
      .select(['name', 'archived_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw noSuchRegistry(id)
    const build = await trx
      .selectFrom('builds')
      .select('id')
      .where('registry_id', '=', id)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (build !== undefined && row.archived_at === null) {
      throw new AppError(
        'resource_conflict',
        `The registry ${row.name} is used by the build ${build.id}: archive it first`,
        { in_use: true },
      )
    }
    await trx.deleteFrom('container_registries').where('id', '=', id).execute()
  })
}
