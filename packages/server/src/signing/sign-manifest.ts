import { type KeyObject, sign, verify } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { blobOf, digestOf, mediaTypes } from '../oci/index.ts'
import type { Registry, StoredManifest } from '../ports/registry.ts'
import type { SigningKey } from './load-signing-key.ts'

/** Media type of what is signed, and the annotation that holds the signature (cosign's signature specification). */
const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json'
const signatureAnnotation = 'dev.cosignproject.cosign/signature'

/** Bytes; a payload has some hundreds. */
const maxPayloadBytes = 64 * 1024

interface SignatureLayer {
  mediaType: string
  digest: string
  size: number
  annotations?: Record<string, string>
}

/** Somebody who signs digests with a key that is not here. */
export interface ManifestSigner {
  publicKey: KeyObject
  /** As `signDigest`. */
  sign(input: SignedDigest): Promise<string>
}

/** What a signature says: this digest is what stands under this name. */
export interface SignedDigest {
  /** `host[:port]/repository`, without a tag. */
  reference: string
  /** `sha256:…` of a manifest. */
  digest: string
}

/** The signature, in base64, of the payload that cosign makes of a digest. */
export function signDigest(key: Pick<SigningKey, 'privateKey'>, input: SignedDigest): string {
  const payload = signedPayload(input.reference, input.digest)
  return sign('sha256', payload, key.privateKey).toString('base64')
}

/**
 * Signs a manifest as cosign does: a payload that names its digest, in an image that is tagged
 * `sha256-<hex>.sig` in the same repository. A signature that this key has made already is left as it
 * is; those of others stay. Rejects as the registry does.
 */
export async function signManifest(
  deps: { registry: Registry; key: SigningKey | ManifestSigner },
  input: { repository: string; digest: string },
  signal: AbortSignal,
): Promise<{ tag: string; made: boolean }> {
  const { registry, key } = deps
  const { repository, digest } = input
  const tag = `${digest.replace(':', '-')}.sig`
  const named = { reference: `${registry.base}/${repository}`, digest }
  const payload = signedPayload(named.reference, digest)
  const stored = await registry.getManifest(repository, tag, signal)
  const layers = stored === null ? [] : layersOf(stored)
  for (const layer of layers) {
    if (await isOurs(deps, { repository, layer, payload }, signal)) return { tag, made: false }
  }
  const signature = 'privateKey' in key ? signDigest(key, named) : await key.sign(named)
  const layer: SignatureLayer = {
    mediaType: payloadType,
    digest: digestOf(payload),
    size: payload.length,
    annotations: { [signatureAnnotation]: signature },
  }
  await registry.putBlob(repository, blobOf(payload), signal)
  const all = [...layers, layer]
  const config = configOf(all)
  await registry.putBlob(repository, blobOf(config), signal)
  const content = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
      layers: all,
    }),
  )
  await registry.putManifest(
    repository,
    { mediaType: mediaTypes.manifest, content, tags: [tag] },
    signal,
  )
  return { tag, made: true }
}

/** The simple-signing payload; its bytes are what is signed. */
function signedPayload(reference: string, digest: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': reference },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  )
}

function layersOf({ content }: StoredManifest): SignatureLayer[] {
  const { layers } = JSON.parse(content.toString('utf8')) as { layers?: SignatureLayer[] }
  return layers ?? []
}

/** A payload may have been written otherwise by another tool; ours is always the same bytes. */
async function isOurs(
  { registry, key }: { registry: Registry; key: Pick<SigningKey, 'publicKey'> },
  input: { repository: string; layer: SignatureLayer; payload: Buffer },
  signal: AbortSignal,
): Promise<boolean> {
  const { repository, layer, payload } = input
  const signature = layer.annotations?.[signatureAnnotation]
  if (signature === undefined || layer.digest !== digestOf(payload)) return false
  if (!verify('sha256', payload, key.publicKey, Buffer.from(signature, 'base64'))) return false
  // A tag is moved after its blobs are there, but whoever wrote it may not have been us.
  const blob = await registry.getBlob(repository, layer.digest, signal)
  if (blob === null) return false
  if (blob.size > maxPayloadBytes) {
    blob.body.destroy()
    return false
  }
  return (await buffer(blob.body)).equals(payload)
}

/** An image's config: its layers are "diffs" only by name, which is what clients of images expect. */
function configOf(layers: readonly SignatureLayer[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: '',
      os: '',
      config: {},
      history: layers.map(() => ({ created: '0001-01-01T00:00:00Z' })),
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  )
}
