import type { BrandingAsset, UpdateAssetRequest } from '@slipway/contract/branding'
import type { Principal } from '../../ports/identity.ts'
import type { BrandingDeps } from '../deps.ts'
import { isDuplicate, toAsset } from '../template-rows.ts'
import { pathTaken } from './add-asset.ts'
import { judgeChange, refuse } from './check-asset.ts'
import { findAsset, noSuchAsset } from './list-assets.ts'

/** Puts an asset elsewhere, or has it be for something else; its bytes stay, and have to fit. */
export async function updateAsset(
  deps: Pick<BrandingDeps, 'db'>,
  input: {
    principal: Principal
    templateId: number
    assetId: number
    request: UpdateAssetRequest
  },
): Promise<BrandingAsset> {
  const { templateId, assetId, request } = input
  const before = await findAsset(deps, input)
  const {
    asset_type: assetType = before.asset_type,
    target_path: targetPath = before.target_path,
  } = request
  const claims = { assetType, targetPath, fileName: before.file_name, contentType: null }
  const { contentType, problems } = judgeChange(before.content_type, claims)
  refuse(problems)
  try {
    const row = await deps.db
      .updateTable('branding_assets')
      .set({ asset_type: assetType, target_path: targetPath, content_type: contentType })
      .where('id', '=', assetId)
      .where('template_id', '=', templateId)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) throw noSuchAsset(templateId, assetId)
    return toAsset(row)
  } catch (error) {
    throw isDuplicate(error) ? pathTaken(targetPath) : error
  }
}

/** Deletes an asset and its file. */
export async function deleteAsset(
  deps: Pick<BrandingDeps, 'db' | 'objects'>,
  input: { principal: Principal; templateId: number; assetId: number },
): Promise<void> {
  const { object_key: key } = await findAsset(deps, input)
  await deps.db.deleteFrom('branding_assets').where('id', '=', input.assetId).execute()
  await deps.objects.delete(key)
}
