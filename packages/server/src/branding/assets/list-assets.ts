import type { BrandingAsset } from '@slipway/contract/branding'
import { requireUnlimited } from '../../access/index.ts'
import { AppError } from '../../errors.ts'
import type { Principal } from '../../ports/identity.ts'
import type { BrandingDeps } from '../deps.ts'
import { type AssetRow, assetsOf, findTemplate, things, toAsset } from '../template-rows.ts'

interface Which {
  principal: Principal
  templateId: number
  assetId: number
}

/** By their target paths. */
export async function listAssets(
  { db }: Pick<BrandingDeps, 'db'>,
  input: { principal: Principal; templateId: number },
): Promise<BrandingAsset[]> {
  requireUnlimited(input.principal, things)
  await findTemplate(db, input.templateId)
  return (await assetsOf(db, [input.templateId])).map(toAsset)
}

export async function getAsset(
  deps: Pick<BrandingDeps, 'db'>,
  input: Which,
): Promise<BrandingAsset> {
  return toAsset(await findAsset(deps, input))
}

/** Its row; `resource_not_found` where the template has no such asset. */
export async function findAsset(
  { db }: Pick<BrandingDeps, 'db'>,
  { principal, templateId, assetId }: Which,
): Promise<AssetRow> {
  requireUnlimited(principal, things)
  const row = await db
    .selectFrom('branding_assets')
    .selectAll()
    .where('id', '=', assetId)
    .where('template_id', '=', templateId)
    .executeTakeFirst()
  if (row === undefined) throw noSuchAsset(templateId, assetId)
  return row
}

export function noSuchAsset(templateId: number, assetId: number): AppError {
  return new AppError(
    'resource_not_found',
    `The branding template ${templateId} has no asset ${assetId}`,
  )
}
