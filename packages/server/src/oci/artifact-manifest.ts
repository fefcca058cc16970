import { digestOf } from './digests.ts'
import { mediaTypes } from './media-types.ts'
import type { Descriptor } from './parse-manifest.ts'

/** The content of the empty config, and of the one layer of an artifact without any. */
export const emptyContent = Buffer.from('{}')
export const emptyDescriptor: Descriptor = {
  mediaType: mediaTypes.empty,
  digest: digestOf(emptyContent),
  size: emptyContent.length,
}

export interface ArtifactManifest {
  /** Media type of the artifact; it tells clients apart what this is. */
  artifactType: string
  /** Default: the empty config. */
  config?: Descriptor
  layers: readonly Descriptor[]
  annotations?: Readonly<Record<string, string>>
  /** The manifest that this one is about, such as the image that an SBOM is of. */
  subject?: Descriptor
}

/**
 * Writes an image manifest for an artifact (OCI Image Specification 1.1, "Guidelines for Artifact
 * Usage"). Equal inputs give equal bytes, whatever the order of their annotations.
 */
export function buildArtifactManifest(input: ArtifactManifest): {
  mediaType: string
  content: Buffer
  digest: string
  size: number
} {
  const { artifactType, config = emptyDescriptor, layers, annotations, subject } = input
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config: inOrder(config),
    layers: (layers.length === 0 ? [emptyDescriptor] : layers).map(inOrder),
    ...(subject === undefined ? {} : { subject: inOrder(subject) }),
    ...(annotations === undefined ? {} : { annotations: sorted(annotations) }),
  }
  const content = Buffer.from(JSON.stringify(manifest))
  const { mediaType } = manifest
  return { mediaType, content, digest: digestOf(content), size: content.length }
}

function inOrder(descriptor: Descriptor): Descriptor {
  const { mediaType, digest, size, annotations, artifactType, platform } = descriptor
  return {
    mediaType,
    digest,
    size,
    ...(annotations === undefined ? {} : { annotations: sorted(annotations) }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform === undefined ? {} : { platform }),
  }
}

function sorted(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
