import { requireUnlimited } from '../access/index.ts'
import { refuseWhileBuilt } from '../archive/index.ts'
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
      .select(['id', 'name', 'archived_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw noSuchRegistry(id)
    await refuseWhileBuilt(trx, { what: 'The registry', row: row, column: 'registry_id' })
    await trx.deleteFrom('container_registries').where('id', '=', id).execute()
  })
}
