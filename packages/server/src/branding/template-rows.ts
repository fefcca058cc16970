import type { AssetType, BrandingAsset, BrandingTemplate } from '@slipway/contract/branding'
import type { Kysely, Selectable } from 'kysely'
import type { BrandingAssetsTable, BrandingTemplatesTable, Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'

export type TemplateRow = Selectable<BrandingTemplatesTable>
export type AssetRow = Selectable<BrandingAssetsTable>

/** What templates and their assets are called where a token may not see them. */
export const things = 'Branding templates'

export function toTemplate(row: TemplateRow, assets: readonly AssetRow[]): BrandingTemplate {
  const { replacement_rules: rules, archived_at: archivedAt, ...shown } = row
  return {
    ...shown,
    replacement_rules: rules as BrandingTemplate['replacement_rules'],
    assets: assets.map(toAsset),
    archived: archivedAt !== null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

export function toAsset(row: AssetRow): BrandingAsset {
  const { object_key: _, ...shown } = row
  return {
    ...shown,
    asset_type: row.asset_type satisfies AssetType,
    content_url: `/api/branding/templates/${row.template_id}/assets/${row.id}/content`,
    created_at: row.created_at.toISOString(),
  }
}

/** By their target paths. */
export function assetsOf(db: Kysely<Tables>, templateIds: readonly number[]): Promise<AssetRow[]> {
  return db
    .selectFrom('branding_assets')
    .selectAll()
    .where('template_id', 'in', templateIds)
    .orderBy('target_path')
    .execute()
}

export async function findTemplate(db: Kysely<Tables>, id: number): Promise<TemplateRow> {
  const row = await db
    .selectFrom('branding_templates')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw noSuchTemplate(id)
  return row
}

/** The same, kept from every other change until the end of the transaction. */
export async function lockTemplate(trx: Kysely<Tables>, id: number): Promise<TemplateRow> {
  const row = await trx
    .selectFrom('branding_templates')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw noSuchTemplate(id)
  return row
}

function noSuchTemplate(id: number): AppError {
  return new AppError('resource_not_found', `There is no branding template ${id}`)
}

export function nameTaken(name: string): AppError {
  return new AppError(
    'resource_conflict',
    `There is a branding template with the name ${name} already`,
    { name },
  )
}

/** A unique index said no. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505'
}
