import { inSpan } from '../correlation.ts'
import { AppError } from '../errors.ts'
import type { NewManifest, Registry } from '../ports/registry.ts'
import { chooseImage, joinPlatforms, readManifest, requireSize } from './image-layout.ts'
import type { ImageLayout } from './local-image.ts'
import { mediaTypes } from './media-types.ts'
import { type Descriptor, parseManifest } from './parse-manifest.ts'
import { pushSpan } from './push-artifact.ts'

/** Manifests of one image, over all its platforms. */
const maxManifests = 500
/** Of all of them, which are in memory together. */
const maxManifestsBytes = 32 * 1024 * 1024
/** Indexes within indexes. */
const maxDepth = 3

/**
 * Stores the image of a layout with all its platforms: everything is looked at first, then come the
 * blobs, the manifests of the platforms, and at last the image itself with its tags. Answers the digest
 * under which it is to be pulled. AppError `invalid_request` when the layout is not whole or lies.
 */
export async function pushImageLayout(
  registry: Registry,
  input: { repository: string; layout: ImageLayout; tags: readonly string[] },
  signal: AbortSignal,
): Promise<{ digest: string; size: number }> {
  const { repository, layout, tags } = input
  const image = chooseImage(layout)
  const open: Found['open'] = (digest) => layout.open(digest)
  const found: Found = { blobs: new Map(), manifests: new Map(), open }
  if (image === 'platforms') {
    const content = joinPlatforms(layout.images)
    await collectParts(layout, { mediaType: mediaTypes.index, content }, 1, found, signal)
    found.manifests.set('', { mediaType: mediaTypes.index, content })
  } else {
    await collect(layout, image, 1, found, signal)
  }
  return await inSpan('oci push', pushSpan(registry, repository), () =>
    push(registry, { repository, tags, found }, signal),
  )
}

async function push(
  registry: Registry,
  input: { repository: string; tags: readonly string[]; found: Found },
  signal: AbortSignal,
): Promise<{ digest: string; size: number }> {
  const { repository, tags, found } = input
  for (const { digest, size } of found.blobs.values()) {
    await registry.putBlob(repository, { digest, size, open: () => found.open(digest) }, signal)
  }
  // Children stand before their parents, so the last one is the image.
  const manifests = [...found.manifests.values()]
  let pushed = ''
  for (const [index, manifest] of manifests.entries()) {
    const isImage = index === manifests.length - 1
    const named: NewManifest = { ...manifest, tags: isImage ? tags : [] }
    pushed = await registry.putManifest(repository, named, signal)
  }
  return { digest: pushed, size: manifests.at(-1)?.content.length ?? 0 }
}

interface Found {
  blobs: Map<string, Descriptor>
  manifests: Map<string, { mediaType: string; content: Buffer }>
  open: ImageLayout['open']
}

async function collect(
  layout: ImageLayout,
  descriptor: Descriptor,
  depth: number,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  if (found.manifests.has(descriptor.digest)) return
  signal.throwIfAborted()
  if (found.manifests.size === maxManifests) {
    throw new AppError('invalid_request', `The image has more than ${maxManifests} manifests`)
  }
  const { mediaType, size } = descriptor
  const before = [...found.manifests.values()].reduce((sum, one) => sum + one.content.length, 0)
  if (before + size > maxManifestsBytes) {
    throw new AppError(
      'invalid_request',
      `The manifests of the image have more than ${maxManifestsBytes} bytes together`,
    )
  }
  const content = await readManifest(layout, descriptor)
  await collectParts(layout, { mediaType, content }, depth, found, signal)
  found.manifests.set(descriptor.digest, { mediaType, content })
}

async function collectParts(
  layout: ImageLayout,
  manifest: { mediaType: string; content: Buffer },
  depth: number,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, manifests } = parseManifest(manifest)
  if (manifests.length > 0 && depth > maxDepth) {
    throw new AppError('invalid_request', `The image nests indexes more than ${maxDepth} deep`)
  }
  for (const child of manifests) await collect(layout, child, depth + 1, found, signal)
  for (const blob of blobs) {
    if (!found.blobs.has(blob.digest)) await requireSize(layout, blob)
    found.blobs.set(blob.digest, blob)
  }
}
