import type { BrandingTemplate } from '@slipway/contract/branding'
import type { BrandingToApply } from './branding-to-apply.ts'
import { toRuleText } from './check-rules.ts'
import type { BrandingDeps } from './deps.ts'
import { type AssetRow, assetsOf, findTemplate, type TemplateRow } from './template-rows.ts'

/** A template for `applyBranding`, as it is now; archived or not. `resource_not_found` where it is gone. */
export async function readBranding(
  { db }: Pick<BrandingDeps, 'db'>,
  { id }: { id: number },
): Promise<BrandingToApply> {
  return toBranding(await findTemplate(db, id), await assetsOf(db, [id]))
}

export function toBranding(row: TemplateRow, assets: readonly AssetRow[]): BrandingToApply {
  const rules = row.replacement_rules as BrandingTemplate['replacement_rules']
  return {
    name: row.name,
    brandName: row.brand_name,
    rules: rules.map(toRuleText),
    assets: assets.map((asset) => ({
      fileName: asset.file_name,
      targetPath: asset.target_path,
      objectKey: asset.object_key,
      sizeBytes: asset.size_bytes,
      sha256: asset.sha256,
    })),
  }
}
