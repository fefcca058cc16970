import { Readable } from 'node:stream'
import { inSpan, type SpanOptions } from '../correlation.ts'
import type { BlobSource, Registry } from '../ports/registry.ts'
import { buildArtifactManifest, emptyContent, emptyDescriptor } from './artifact-manifest.ts'
import { digestOf } from './digests.ts'
import type { Descriptor } from './parse-manifest.ts'

export interface ArtifactLayer {
  mediaType: string
  content: Buffer | BlobSource
  /** `org.opencontainers.image.title` is the file name that clients save it under. */
  annotations?: Readonly<Record<string, string>>
}

export interface NewArtifact {
  /** Below the registry's base, made with `ociName`. */
  repository: string
  artifactType: string
  layers: readonly ArtifactLayer[]
  annotations?: Readonly<Record<string, string>>
  /** Each points at the artifact when this resolves; none: it has its digest only. */
  tags: readonly string[]
  subject?: Descriptor
}

/**
 * Stores an artifact: its blobs first, then its manifest, then its tags, so that it is visible when
 * it is whole. Answers the manifest's digest and size. Doing it again is harmless.
 */
export async function pushArtifact(
  registry: Registry,
  artifact: NewArtifact,
  signal: AbortSignal,
): Promise<{ digest: string; size: number }> {
  const { repository, artifactType, annotations, subject, tags } = artifact
  const layers = artifact.layers.map(({ mediaType, content, annotations: ofLayer }) => {
    const blob = Buffer.isBuffer(content) ? blobOf(content) : content
    const { digest, size } = blob
    const named = ofLayer === undefined ? {} : { annotations: ofLayer }
    return { blob, descriptor: { mediaType, digest, size, ...named } }
  })
  const manifest = buildArtifactManifest({
    artifactType,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(annotations === undefined ? {} : { annotations }),
    ...(subject === undefined ? {} : { subject }),
  })
  const blobs = new Map(layers.map(({ blob }) => [blob.digest, blob]))
  blobs.set(emptyDescriptor.digest, blobOf(emptyContent))
  const { mediaType, content, size } = manifest
  return await inSpan('oci push', pushSpan(registry, repository), async () => {
    for (const blob of blobs.values()) await registry.putBlob(repository, blob, signal)
    const digest = await registry.putManifest(repository, { mediaType, content, tags }, signal)
    return { digest, size }
  })
}

/** What a trace shows of a push. */
export function pushSpan({ base }: Pick<Registry, 'base'>, repository: string): SpanOptions {
  return {
    kind: 'client',
    attributes: { 'slipway.registry': base, 'slipway.oci_repository': repository },
  }
}

/** Bytes in memory as something to upload. */
export function blobOf(content: Buffer): BlobSource {
  return {
    digest: digestOf(content),
    size: content.length,
    open: () => Readable.from([content], { objectMode: false }),
  }
}
