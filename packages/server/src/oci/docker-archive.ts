import { posix } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../errors.ts'
import { digestOf, measuring } from './digests.ts'
import type { ImageLayout } from './local-image.ts'
import { readSmallFile, type LayoutFiles } from './layout-files.ts'
import { maxManifestBytes, mediaTypes } from './media-types.ts'
import type { Descriptor } from './parse-manifest.ts'
import { parseObject } from './parse-manifest.ts'

const maxLayers = 500

/**
 * Reads an archive of `docker save`: one image, whose layers stay uncompressed, so that their digests
 * are those that its config names. Its manifest is written anew, and always the same.
 */
export async function openDockerArchive(
  files: LayoutFiles,
  signal: AbortSignal,
): Promise<ImageLayout> {
  const { config: configName, layers: layerNames } = await readImage(files)
  const config = await readSmallFile(files, configName, maxManifestBytes)
  const diffIds = readDiffIds(config)
  if (diffIds.length !== layerNames.length) {
    refuse(`its config speaks of ${diffIds.length} layers, and it has ${layerNames.length}`)
  }
  const byDigest = new Map<string, string>()
  const layers: Descriptor[] = []
  for (const [index, name] of layerNames.entries()) {
    const { digest, size } = await measure(files, name, signal)
    if (digest !== diffIds[index]) {
      refuse(`the content of ${name} is ${digest}, and its config says ${diffIds[index]}`)
    }
    byDigest.set(digest, name)
    layers.push({ mediaType: mediaTypes.layer, digest, size })
  }
  const inMemory = new Map<string, Buffer>()
  const keep = (mediaType: string, content: Buffer): Descriptor => {
    const digest = digestOf(content)
    inMemory.set(digest, content)
    return { mediaType, digest, size: content.length }
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: keep(mediaTypes.config, config),
    layers,
  }
  return {
    images: [keep(mediaTypes.manifest, Buffer.from(JSON.stringify(manifest)))],
    async size(digest) {
      const name = byDigest.get(digest)
      return inMemory.get(digest)?.length ?? (name === undefined ? null : files.size(name))
    },
    async open(digest) {
      const content = inMemory.get(digest)
      if (content !== undefined) return Readable.from([content], { objectMode: false })
      return files.open(byDigest.get(digest) ?? '')
    },
    close: () => files.close(),
  }
}

function refuse(why: string): never {
  throw new AppError('invalid_request', `The archive of docker save cannot be read: ${why}`)
}

async function readImage(files: LayoutFiles): Promise<{ config: string; layers: string[] }> {
  // A list at its top: made an object of, so that one function reads JSON.
  const list = await readSmallFile(files, 'manifest.json', maxManifestBytes)
  const images = parseObject(Buffer.concat([Buffer.from('{"images":'), list, Buffer.from('}')]))
  const all = images?.['images']
  if (!Array.isArray(all) || all.length === 0) refuse('manifest.json names no image')
  if (all.length > 1) refuse(`it holds ${all.length} images; save the one that is to be published`)
  const { Config: config, Layers: layers } = (all[0] ?? {}) as Record<string, unknown>
  const isTexts = Array.isArray(layers) && layers.every((name) => typeof name === 'string')
  if (typeof config !== 'string' || !isTexts) refuse('manifest.json lacks Config or Layers')
  if (layers.length > maxLayers) refuse(`it has more than ${maxLayers} layers`)
  return { config, layers: layers.map((name: string) => follow(files, name)) }
}

/** Older versions of Docker save a layer that is there twice as a link to the first. */
function follow(files: LayoutFiles, name: string): string {
  const target = files.linkTarget(name)
  return target === null ? name : posix.join(posix.dirname(name), target)
}

function readDiffIds(config: Buffer): string[] {
  const rootfs = parseObject(config)?.['rootfs'] as { diff_ids?: unknown } | null | undefined
  const diffIds = rootfs?.diff_ids
  if (!Array.isArray(diffIds)) refuse('its config lacks rootfs.diff_ids')
  return diffIds.map(String)
}

async function measure(files: LayoutFiles, name: string, signal: AbortSignal) {
  if ((await files.size(name)) === null) refuse(`it lacks the layer ${name}`)
  const measured = measuring()
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  await pipeline(await files.open(name), measured.stream, nowhere, { signal })
  return measured.result()
}
