import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { type Pack, pack as createPack } from 'tar-stream'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import type { BrandingDeps } from './deps.ts'
import { type Manifest, manifestName, templateFormat } from './template-file.ts'
import { type AssetRow, assetsOf, findTemplate, things, toTemplate } from './template-rows.ts'

/**
 * A template with its assets as one file, which `importTemplate` takes: streamed, and of one template
 * always the same. The caller consumes or destroys `body`; it breaks off where an asset cannot be read.
 */
export async function exportTemplate(
  deps: Pick<BrandingDeps, 'db' | 'objects'>,
  input: { principal: Principal; id: number },
): Promise<{ fileName: string; body: Readable }> {
  requireUnlimited(input.principal, things)
  const row = await findTemplate(deps.db, input.id)
  const assets = await assetsOf(deps.db, [row.id])
  const template = toTemplate(row, [])
  const manifest: Manifest = {
    format: templateFormat,
    version: 1,
    template: {
      name: template.name,
      description: template.description,
      brand_name: template.brand_name,
      replacement_rules: template.replacement_rules,
    },
    assets: assets.map((asset, index) => ({
      file: `assets/${index + 1}`,
      file_name: asset.file_name,
      asset_type: asset.asset_type,
      target_path: asset.target_path,
      size_bytes: asset.size_bytes,
      sha256: asset.sha256,
    })),
  }
  const pack = createPack()
  const gzip = createGzip({ level: 6 })
  // Its failure destroys the stream that is handed out, and whoever destroys that stops it.
  pipeline(pack, gzip).catch(() => undefined)
  writeAll(deps, pack, { manifest, assets }).then(
    () => pack.finalize(),
    (error: unknown) => pack.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  const plain = template.name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+/, '')
  return { fileName: `${plain === '' ? 'template' : plain}.branding.tar.gz`, body: gzip }
}

const always = { mode: 0o644, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) }

async function writeAll(
  { objects }: Pick<BrandingDeps, 'objects'>,
  pack: Pack,
  { manifest, assets }: { manifest: Manifest; assets: readonly AssetRow[] },
): Promise<void> {
  const json = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  await new Promise<void>((resolve, reject) => {
    pack.entry({ name: manifestName, ...always }, json, (error) =>
      error ? reject(error) : resolve(),
    )
  })
  for (const [index, asset] of assets.entries()) {
    const body = await objects.get(asset.object_key)
    if (body === null) throw new Error(`the file of asset ${asset.id} is gone`)
    const name = manifest.assets[index]?.file ?? ''
    await pipeline(body, pack.entry({ name, size: asset.size_bytes, ...always }))
  }
}
