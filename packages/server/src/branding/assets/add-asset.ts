import type { BrandingAsset } from '@slipway/contract/branding'
import { brandingLimits } from '@slipway/contract/vocabulary'
import type { Kysely } from 'kysely'
import { requireUnlimited } from '../../access/index.ts'
import type { Tables } from '../../db/tables.gen.ts'
import { AppError } from '../../errors.ts'
import type { Principal } from '../../ports/identity.ts'
import { newAssetKey } from '../asset-objects.ts'
import type { BrandingDeps } from '../deps.ts'
import { type AssetRow, findTemplate, lockTemplate, things, toAsset } from '../template-rows.ts'
import { type AssetClaims, judgeAsset, refuse } from './check-asset.ts'
import { type ReceivedFile, receiveFile } from './receive-file.ts'

/** A file on its way here: stored as it comes, and gone again unless `keepAsset` takes it. */
export interface IncomingAsset {
  file: ReceivedFile
  discard(): Promise<void>
}

/** Receives the file of an asset of a template that exists. Fails as `receiveFile`. */
export async function receiveAsset(
  deps: Pick<BrandingDeps, 'db' | 'objects'>,
  input: { principal: Principal; templateId: number; body: AsyncIterable<Buffer> },
): Promise<IncomingAsset> {
  const { principal, templateId, body } = input
  requireUnlimited(principal, things)
  await findTemplate(deps.db, templateId)
  const objectKey = newAssetKey()
  const maxBytes = brandingLimits.assetBytes
  const file = await receiveFile(deps, { objectKey, body, maxBytes, name: 'The file' })
  return { file, discard: () => deps.objects.delete(objectKey) }
}

/**
 * Makes a received file an asset, if its bytes are what is said of them. `invalid_request` with all
 * that is wrong, `resource_conflict` where another asset has the target path, `payload_too_large`
 * where the template would have more than it may. The caller discards the file then.
 */
export async function keepAsset(
  { db }: Pick<BrandingDeps, 'db'>,
  input: { principal: Principal; templateId: number; file: ReceivedFile; claims: AssetClaims },
): Promise<BrandingAsset> {
  const { principal, templateId, file, claims } = input
  const { contentType, problems } = await judgeAsset(file.content, claims)
  refuse(problems)
  return db.transaction().execute(async (trx) => {
    await lockTemplate(trx, templateId)
    const row = await insertAsset(trx, {
      template_id: templateId,
      asset_type: claims.assetType,
      file_name: claims.fileName,
      target_path: claims.targetPath,
      content_type: contentType,
      size_bytes: file.sizeBytes,
      sha256: file.sha256,
      object_key: file.objectKey,
      created_by: principal.name,
      created_at: new Date(),
    })
    return toAsset(row)
  })
}

/** Stores an asset of a template that the transaction has locked, within the limits of a template. */
export async function insertAsset(
  trx: Kysely<Tables>,
  asset: Omit<AssetRow, 'id'>,
): Promise<AssetRow> {
  const { template_id: templateId } = asset
  const { count, bytes } = await trx
    .selectFrom('branding_assets')
    .select((eb) => [
      eb.fn.countAll<number>().as('count'),
      eb.fn.coalesce(eb.fn.sum<number>('size_bytes'), eb.val(0)).as('bytes'),
    ])
    .where('template_id', '=', templateId)
    .executeTakeFirstOrThrow()
  if (count >= brandingLimits.assets) {
    throw new AppError(
      'payload_too_large',
      `A template has at most ${brandingLimits.assets} assets`,
    )
  }
  if (Number(bytes) + asset.size_bytes > brandingLimits.templateBytes) {
    throw new AppError(
      'payload_too_large',
      `The assets of a template are at most ${brandingLimits.templateBytes} bytes`,
    )
  }
  const row = await trx
    .insertInto('branding_assets')
    .values(asset)
    .onConflict((conflict) => conflict.columns(['template_id', 'target_path']).doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw pathTaken(asset.target_path)
  return row
}

export function pathTaken(path: string): AppError {
  return new AppError('resource_conflict', `The template has an asset for ${path} already`, {
    target_path: path,
  })
}
