import { requireUnlimited } from '../access/index.ts'
import { refuseWhileBuilt } from '../archive/index.ts'
import type { Principal } from '../ports/identity.ts'
import { noSuchConfiguration, things } from './configuration-rows.ts'
import type { ConfigurationsDeps } from './deps.ts'

/** Deletes a configuration. A `resource_conflict` while builds refer to it, unless it is archived. */
export async function deleteConfiguration(
  { db }: ConfigurationsDeps,
  input: { principal: Principal; id: number },
): Promise<void> {
  const { principal, id } = input
  requireUnlimited(principal, things)
  await db.transaction().execute(async (trx) => {
    // Behind the lock, so that a build which is being made is seen.
    const row = await trx
      .selectFrom('configurations')
      .select(['id', 'name', 'archived_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw noSuchConfiguration(id)
    await refuseWhileBuilt(trx, { what: 'The configuration', row: row, column: 'configuration_id' })
    await trx.deleteFrom('configurations').where('id', '=', id).execute()
  })
}
