import { requireUnlimited } from '../access/index.ts'
import { refuseWhileBuilt } from '../archive/index.ts'
import type { Principal } from '../ports/identity.ts'
import type { BrandingDeps } from './deps.ts'
import { assetsOf, lockTemplate, things } from './template-rows.ts'

/**
 * Deletes a template and the files of its assets. A `resource_conflict` while builds refer to it,
 * unless it is archived.
 */
export async function deleteTemplate(
  { db, objects }: Pick<BrandingDeps, 'db' | 'objects'>,
  input: { principal: Principal; id: number },
): Promise<void> {
  const { principal, id } = input
  requireUnlimited(principal, things)
  const assets = await db.transaction().execute(async (trx) => {
    // Behind the lock, so that a build which is being made is seen.
    const row = await lockTemplate(trx, id)
    await refuseWhileBuilt(trx, {
      what: 'The branding template',
      row: row,
      column: 'branding_template_id',
    })
    const held = await assetsOf(trx, [id])
    await trx.deleteFrom('branding_templates').where('id', '=', id).execute()
    return held
  })
  for (const { object_key: key } of assets) await objects.delete(key)
}
