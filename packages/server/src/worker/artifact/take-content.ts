import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { ArtifactType } from '@slipway/contract/releases'
import { extract } from 'tar-stream'
import { measuring, openImageLayout, pushImageLayout } from '../../oci/index.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { ArtifactContent } from '../../ports/publisher.ts'
import { collectedKey, folderEntry } from '../collect-artifacts.ts'

/** What was kept of an artifact, on this machine and ready to be published. */
export interface TakenContent {
  content: ArtifactContent
  /** The local file behind it: an image's archive, or the file itself. */
  path: string
  /** Of that file. `sha256:<hex>` */
  digest: string
  /** Bytes. */
  size: number
  /** When it was kept: the same for every attempt. */
  keptAt: Date
  close(): Promise<void>
}

/**
 * Fetches what the steps, or the producer, left behind into `directory`, which is the caller's to
 * remove. A file stays as it is and keeps its name, a folder becomes `<artifact>.tar.gz`; a container
 * must be an image. Null when nothing was kept. AppError `invalid_request` when it is no image.
 */
export async function takeContent(
  deps: { objects: ObjectStore },
  input: {
    place: Parameters<typeof collectedKey>[0]
    type: ArtifactType
    directory: string
  },
  signal: AbortSignal,
): Promise<TakenContent | null> {
  const { place, type, directory } = input
  const key = collectedKey(place)
  const kept = await deps.objects.head(key)
  const body = kept === null ? null : await deps.objects.get(key)
  if (kept === null || body === null) return null
  const archive = join(directory, 'collected.tar')
  await pipeline(body, createWriteStream(archive), { signal })
  const file = await extractFile(archive, join(directory, 'file'), signal)
  const keptAt = kept.modifiedAt
  if (type === 'container') {
    const path = file === null ? archive : file.path
    const measured = await measureFile(path, signal)
    const layout = await openImageLayout(path, signal)
    const content: ArtifactContent = {
      kind: 'image',
      push: (registry, { repository, tags }, stop) =>
        pushImageLayout(registry, { repository, layout, tags }, stop),
    }
    return { content, path, keptAt, ...measured, close: () => layout.close() }
  }
  const packed = file ?? (await compress(archive, directory, place.artifact, signal))
  const measured = await measureFile(packed.path, signal)
  const content: ArtifactContent = {
    kind: 'file',
    fileName: packed.name,
    mediaType: packed.name.endsWith('.gz') ? 'application/gzip' : 'application/octet-stream',
    ...measured,
    open: () => createReadStream(packed.path),
  }
  return { content, path: packed.path, keptAt, ...measured, close: async () => {} }
}

/** The lone file of an archive, written to `path`; null when the archive is that of a folder. */
async function extractFile(
  archive: string,
  path: string,
  signal: AbortSignal,
): Promise<{ path: string; name: string } | null> {
  const entries = extract()
  const reading = createReadStream(archive)
  const feeding = pipeline(reading, entries, { signal })
  // Left early on purpose where it is a folder; otherwise its failure is that of `entries`, too.
  feeding.catch(() => {})
  try {
    for await (const entry of entries) {
      const { name } = entry.header
      if (name === folderEntry) return null
      await pipeline(Readable.from(entry), createWriteStream(path), { signal })
      return { path, name }
    }
    throw new Error('what was collected is an empty archive')
  } finally {
    entries.destroy()
    reading.destroy()
  }
}

async function compress(
  archive: string,
  directory: string,
  artifact: string,
  signal: AbortSignal,
): Promise<{ path: string; name: string }> {
  const path = join(directory, 'folder.tar.gz')
  await pipeline(createReadStream(archive), createGzip({ level: 6 }), createWriteStream(path), {
    signal,
  })
  return { path, name: `${artifact}.tar.gz` }
}

async function measureFile(path: string, signal: AbortSignal) {
  const measured = measuring()
  measured.stream.resume()
  await pipeline(createReadStream(path), measured.stream, { signal })
  return measured.result()
}
