import { AppError } from '../errors.ts'
import { digestOf } from './digests.ts'
import { openDockerArchive } from './docker-archive.ts'
import { openLayoutFiles, readSmallFile, type LayoutFiles } from './layout-files.ts'
import type { ImageLayout } from './local-image.ts'
import { maxManifestBytes, mediaTypes } from './media-types.ts'
import { type Descriptor, parseManifest, parseObject } from './parse-manifest.ts'

/**
 * Opens an OCI image layout (a folder, or a tar archive of one) or an archive of `docker save`, which
 * is converted. It must be closed. AppError `invalid_request` says what is wrong with it.
 */
export async function openImageLayout(path: string, signal: AbortSignal): Promise<ImageLayout> {
  const files = await openLayoutFiles(path, signal)
  try {
    if ((await files.size('oci-layout')) !== null) return await openOciLayout(files)
    if ((await files.size('manifest.json')) !== null) return await openDockerArchive(files, signal)
    throw new AppError(
      'invalid_request',
      'This is no image: it has neither oci-layout (an OCI image layout) nor manifest.json (docker save)',
    )
  } catch (error) {
    await files.close()
    throw error
  }
}

const fileOf = (digest: string) => `blobs/sha256/${digest.slice('sha256:'.length)}`

async function openOciLayout(files: LayoutFiles): Promise<ImageLayout> {
  const marker = parseObject(await readSmallFile(files, 'oci-layout', 4096))
  if (marker?.['imageLayoutVersion'] !== '1.0.0') {
    throw new AppError('invalid_request', 'oci-layout does not name the imageLayoutVersion 1.0.0')
  }
  const content = await readSmallFile(files, 'index.json', maxManifestBytes)
  const { manifests } = parseManifest({ mediaType: mediaTypes.index, content })
  return {
    images: manifests,
    size: (digest) => files.size(fileOf(digest)),
    open: (digest) => files.open(fileOf(digest)),
    close: () => files.close(),
  }
}

/** The image that a layout holds: one, or one of several platforms. */
export function chooseImage({ images }: Pick<ImageLayout, 'images'>): Descriptor | 'platforms' {
  const distinct = new Map(images.map((image) => [image.digest, image]))
  const [only] = distinct.values()
  if (only === undefined) throw new AppError('invalid_request', 'The layout holds no image')
  if (distinct.size === 1) return only
  const platforms = new Set(
    [...distinct.values()].map(({ platform }) => platform && JSON.stringify(platform)),
  )
  if (platforms.size === distinct.size && !platforms.has(undefined)) return 'platforms'
  throw new AppError(
    'invalid_request',
    `The layout holds ${distinct.size} images; leave the one that is to be published`,
    { digests: [...distinct.keys()].slice(0, 20) },
  )
}

/** One image out of several, each for a platform of its own. */
export function joinPlatforms(images: readonly Descriptor[]): Buffer {
  const manifests = [...new Map(images.map((image) => [image.digest, image])).values()].map(
    ({ mediaType, digest, size, platform }) => ({ mediaType, digest, size, platform }),
  )
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }))
}

/** A manifest's bytes, which are what its descriptor says. */
export async function readManifest(layout: ImageLayout, descriptor: Descriptor): Promise<Buffer> {
  const { digest, size } = descriptor
  if (size > maxManifestBytes) {
    throw new AppError(
      'invalid_request',
      `The manifest ${digest} is larger than ${maxManifestBytes} bytes`,
    )
  }
  await requireSize(layout, descriptor)
  const parts: Buffer[] = []
  for await (const chunk of await layout.open(digest)) parts.push(chunk as Buffer)
  const content = Buffer.concat(parts)
  const found = digestOf(content)
  if (found === digest) return content
  throw new AppError('invalid_request', `The content of ${digest} is that of ${found}`)
}

/** Refuses what is not there, or has another size than its descriptor says. */
export async function requireSize(
  layout: ImageLayout,
  { digest, size }: Descriptor,
): Promise<void> {
  const found = await layout.size(digest)
  if (found === size) return
  throw new AppError(
    'invalid_request',
    found === null
      ? `The image lacks its content ${digest}`
      : `${digest} should have ${size} bytes and has ${found}`,
  )
}
