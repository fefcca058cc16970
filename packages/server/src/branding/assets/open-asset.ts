import type { Readable } from 'node:stream'
import type { BrandingAsset } from '@slipway/contract/branding'
import { AppError } from '../../errors.ts'
import type { Principal } from '../../ports/identity.ts'
import type { BrandingDeps } from '../deps.ts'
import { toAsset } from '../template-rows.ts'
import { findAsset } from './list-assets.ts'

/** An asset and its bytes, which the caller consumes or destroys. */
export async function openAsset(
  deps: Pick<BrandingDeps, 'db' | 'objects'>,
  input: { principal: Principal; templateId: number; assetId: number },
): Promise<{ asset: BrandingAsset; body: Readable }> {
  const row = await findAsset(deps, input)
  const body = await deps.objects.get(row.object_key)
  if (body === null) {
    throw new AppError('resource_not_found', `The file of asset ${row.id} is gone`)
  }
  return { asset: toAsset(row), body }
}
