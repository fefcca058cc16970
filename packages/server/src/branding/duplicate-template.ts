import type { BrandingTemplate } from '@slipway/contract/branding'
import type { Transaction } from 'kysely'
import { requireUnlimited } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { newAssetKey } from './asset-objects.ts'
import { orDiscard } from './assets/discard-objects.ts'
import type { BrandingDeps } from './deps.ts'
import {
  type AssetRow,
  assetsOf,
  findTemplate,
  nameTaken,
  type TemplateRow,
  things,
  toTemplate,
} from './template-rows.ts'

/**
 * Copies a template with its assets, under `name` or the first free `<name> (copy)`, `<name> (copy 2)` …
 * The copy is never archived. A `resource_conflict` where there is one with the name.
 */
export async function duplicateTemplate(
  deps: BrandingDeps,
  input: { principal: Principal; id: number; name?: string | undefined },
): Promise<BrandingTemplate> {
  const { principal, id } = input
  requireUnlimited(principal, things)
  return orDiscard(deps, (stored) =>
    deps.db.transaction().execute(async (trx) => {
      const before = await findTemplate(trx, id)
      const name = input.name ?? (await freeName(trx, before.name))
      const copy = await insertCopy(trx, { before, name, principal })
      const assets: AssetRow[] = []
      for (const asset of await assetsOf(trx, [id])) {
        assets.push(await copyAsset(deps, trx, { asset, copy, principal, stored }))
      }
      return toTemplate(copy, assets)
    }),
  )
}

async function insertCopy(
  trx: Transaction<Tables>,
  { before, name, principal }: { before: TemplateRow; name: string; principal: Principal },
): Promise<TemplateRow> {
  const now = new Date()
  const row = await trx
    .insertInto('branding_templates')
    .values({
      name,
      description: before.description,
      brand_name: before.brand_name,
      replacement_rules: JSON.stringify(before.replacement_rules),
      created_by: principal.name,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw nameTaken(name)
  return row
}

async function copyAsset(
  { objects }: Pick<BrandingDeps, 'objects'>,
  trx: Transaction<Tables>,
  input: { asset: AssetRow; copy: TemplateRow; principal: Principal; stored: string[] },
): Promise<AssetRow> {
  const { asset, copy, principal, stored } = input
  const body = await objects.get(asset.object_key)
  if (body === null) {
    throw new AppError('unavailable', `The file of asset ${asset.id} is gone: delete the asset`)
  }
  const objectKey = newAssetKey()
  stored.push(objectKey)
  await objects.put(objectKey, body)
  const { id: _, ...rest } = asset
  return trx
    .insertInto('branding_assets')
    .values({
      ...rest,
      template_id: copy.id,
      object_key: objectKey,
      created_by: principal.name,
      created_at: new Date(),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

const longestName = 100

async function freeName(trx: Transaction<Tables>, name: string): Promise<string> {
  for (let number = 1; number <= 1_000; number++) {
    const suffix = number === 1 ? ' (copy)' : ` (copy ${number})`
    const wanted = `${Array.from(name)
      .slice(0, longestName - suffix.length)
      .join('')}${suffix}`
    const taken = await trx
      .selectFrom('branding_templates')
      .select('id')
      .where('name', '=', wanted)
      .executeTakeFirst()
    if (taken === undefined) return wanted
  }
  throw new AppError('resource_conflict', `There are too many copies of ${name}: give it a name`)
}
