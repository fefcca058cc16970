import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'

export interface TestDescriptor {
  mediaType: string
  digest: string
  size: number
  platform?: { os: string; architecture: string }
  annotations?: Record<string, string>
}

/** An OCI image layout in the making, written by the specification and by nothing that is tested. */
export interface TestLayout {
  readonly folder: string
  /** Stores content under its digest. */
  add(mediaType: string, content: Buffer | object): Promise<TestDescriptor>
  /** An image of one layer for a platform, which index.json does not name yet. */
  addImage(architecture?: string): Promise<TestDescriptor>
  /** Writes index.json. */
  name(...manifests: TestDescriptor[]): Promise<void>
}

export const ociTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
}

export const sha256 = (content: Buffer | string) =>
  createHash('sha256').update(content).digest('hex')

/** A tar archive of the given files, as some other program would write it. */
export async function tarOf(files: Readonly<Record<string, Buffer | string>>): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content)
  archive.finalize()
  return buffer(archive)
}

export async function createLayout(folder: string): Promise<TestLayout> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true })
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')

  const add: TestLayout['add'] = async (mediaType, content) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const hex = sha256(bytes)
    await writeFile(join(folder, 'blobs/sha256', hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  return {
    folder,
    add,
    async addImage(architecture = 'amd64') {
      const tar = await tarOf({
        'etc/greeting': `hello from ${architecture} ${randomBytes(4).toString('hex')}`,
      })
      const layer = await add(ociTypes.layer, gzipSync(tar))
      const config = await add(ociTypes.config, {
        architecture,
        os: 'linux',
        config: {},
        rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(tar)}`] },
      })
      const manifest = await add(ociTypes.manifest, {
        schemaVersion: 2,
        mediaType: ociTypes.manifest,
        config,
        layers: [layer],
      })
      return { ...manifest, platform: { os: 'linux', architecture } }
    },
    async name(...manifests) {
      const index = { schemaVersion: 2, manifests }
      await writeFile(join(folder, 'index.json'), JSON.stringify(index))
    },
  }
}
