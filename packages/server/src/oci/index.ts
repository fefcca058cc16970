// The room of OCI: names, digests, manifests and archives; it knows no registry.
export { buildArtifactManifest } from './artifact-manifest.ts'
export { digestOf, measuring, verifying } from './digests.ts'
export { openImageLayout } from './image-layout.ts'
export { maxManifestBytes, mediaTypes } from './media-types.ts'
export { isOciName, ociName } from './oci-name.ts'
export { packTar, packTarGz } from './pack-tar.ts'
export {
  type Descriptor,
  type ParsedManifest,
  parseManifest,
  parseObject,
} from './parse-manifest.ts'
export { blobOf, pushArtifact } from './push-artifact.ts'
export { pushImageLayout } from './push-image-layout.ts'
export { isDigest, isTag } from './references.ts'
