import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../../errors.ts'
import {
  type ParsedManifest,
  digestOf,
  isDigest,
  maxManifestBytes,
  mediaTypes,
  parseManifest,
  parseObject,
  verifying,
} from '../../../oci/index.ts'
import type { NewManifest, Registry, StoredManifest } from '../../../ports/registry.ts'
import { requireDigest, requireName, requireTags } from '../require-names.ts'
import { type Access, type OpenCredential, createAuthorizer } from './authorize.ts'
import { createClient } from './create-client.ts'
import { createQueues } from './queues.ts'
import { dropBody, readBody } from './read-body.ts'
import { addReferrer } from './refer-to-subject.ts'
import { toRefusal } from './refusals.ts'
import { parseRegistryAddress } from './registry-address.ts'
import { uploadBlob } from './upload-blob.ts'

export interface DistributionRegistryOptions {
  /** `host[:port][/prefix]`. */
  registry: string
  openCredential: OpenCredential
  /** Hosts (`host[:port]`) beyond loopback that may be spoken to without TLS. */
  plainHttp?: readonly string[]
  /** Milliseconds before the second try; doubled for each further one. Default 250. */
  pauseMs?: number
  /** Milliseconds without progress after which an upload is given up. Default 120,000. */
  stallMs?: number
}

/** For the whole content of one blob, in milliseconds. */
const downloadMs = 1_800_000
const manifestTries = 4
/** What a registry says that misses something which a manifest needs. */
const maybeUnseen: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
])
const manifestTypes = [
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
].join(', ')

/**
 * Any registry that speaks the OCI Distribution Specification over HTTP. It is reached anonymously,
 * by Basic, or by the token server that it names, as its challenge says.
 */
export function createDistributionRegistry(options: DistributionRegistryOptions): Registry {
  const { openCredential, plainHttp = [], pauseMs = 250, stallMs = 120_000 } = options
  const address = parseRegistryAddress(options.registry, plainHttp)
  const { base, prefix } = address
  const authorizer = createAuthorizer({ registry: base, openCredential, plainHttp })
  const client = createClient({ address, authorizer, plainHttp, pauseMs })
  const inTurn = createQueues()

  const nameOf = (repository: string) => {
    requireName(prefix + repository)
    return prefix + repository
  }
  const pulling = (repository: string): Access => ({ repository, action: 'pull' })
  const pushing = (repository: string): Access => ({ repository, action: 'push' })

  async function fetchManifest(
    name: string,
    reference: string,
    access: Access,
    signal: AbortSignal,
  ): Promise<StoredManifest | null> {
    const url = client.urlOf(`/v2/${name}/manifests/${reference}`)
    const headers = { accept: manifestTypes }
    const response = await client.send({ method: 'GET', url, access, headers }, signal)
    if (response.status === 404) {
      await dropBody(response)
      return null
    }
    if (!response.ok)
      throw (await toRefusal(response, { base, doing: `${name} ${reference}` })).error
    const content = await readBody(response, maxManifestBytes)
    const digest = digestOf(content)
    const promised = isDigest(reference) ? reference : response.headers.get('docker-content-digest')
    if (promised !== null && promised !== digest) {
      throw new AppError('unavailable', `The registry ${base} gives ${digest} for ${promised}`)
    }
    const stated = parseObject(content)?.['mediaType']
    const type = response.headers.get('content-type')?.split(';')[0]?.trim()
    const mediaType = typeof stated === 'string' ? stated : type
    return { digest, content, mediaType: mediaType ?? 'application/octet-stream' }
  }

  /**
   * Some registries do not see at once what was uploaded a moment ago, or see half of it while
   * somebody else uploads the same: what they miss then is looked for again.
   */
  async function putPatiently(
    name: string,
    manifest: Omit<NewManifest, 'tags'>,
    reference: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const url = client.urlOf(`/v2/${name}/manifests/${reference}`)
    for (let attempt = 1; ; attempt++) {
      const headers = { 'content-type': manifest.mediaType }
      const access = pushing(name)
      const body = manifest.content
      const response = await client.send({ method: 'PUT', url, access, headers, body }, signal)
      if (response.ok) return response
      const refusal = await toRefusal(response, { base, doing: `${name}:${reference}` })
      if (!maybeUnseen.has(refusal.said) || attempt === manifestTries) throw refusal.error
      await sleep(pauseMs * 2 ** (attempt - 1), undefined, { signal })
    }
  }

  /** Answers whether the registry knows the manifest's subject by itself. */
  async function sendManifest(
    name: string,
    manifest: Omit<NewManifest, 'tags'>,
    reference: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const response = await putPatiently(name, manifest, reference, signal)
    await dropBody(response)
    const stored = response.headers.get('docker-content-digest')
    const digest = digestOf(manifest.content)
    if (stored !== null && stored !== digest) {
      throw new AppError('unavailable', `The registry ${base} stores ${digest} as ${stored}`)
    }
    return response.headers.has('oci-subject')
  }

  async function listAsReferrer(
    name: string,
    manifest: Omit<NewManifest, 'tags'>,
    parsed: ParsedManifest,
    subject: string,
    signal: AbortSignal,
  ): Promise<void> {
    const key = `referrers ${name} ${subject}`
    const change = async () => {
      const tag = subject.replace(':', '-')
      const existing = await fetchManifest(name, tag, pushing(name), signal)
      const index = addReferrer(existing, subject, {
        mediaType: manifest.mediaType,
        digest: digestOf(manifest.content),
        size: manifest.content.length,
        artifactType: parsed.artifactType,
        annotations: parsed.annotations,
      })
      if (index !== null) await sendManifest(name, index, tag, signal)
    }
    await inTurn(key, signal, change)
  }

  return {
    name: 'distribution',
    base,

    async putBlob(repository, blob, signal) {
      const name = nameOf(repository)
      requireDigest(blob.digest)
      const url = client.urlOf(`/v2/${name}/blobs/${blob.digest}`)
      // The second of two finds it there, and docker-registry stumbles over two at once.
      await inTurn(`blob ${name} ${blob.digest}`, signal, async () => {
        const head = await client.send({ method: 'HEAD', url, access: pushing(name) }, signal)
        await dropBody(head)
        if (head.ok) return
        if (head.status === 401 || head.status === 403) {
          throw (await toRefusal(head, { base, doing: `to look into ${name}` })).error
        }
        await uploadBlob({ client, base, stallMs, pauseMs }, { repository: name, blob }, signal)
      })
    },

    async putManifest(repository, manifest, signal) {
      const name = nameOf(repository)
      requireTags(manifest.tags)
      const parsed = parseManifest(manifest)
      const digest = digestOf(manifest.content)
      const { subject } = parsed
      // What it is about is told by its digest, before any tag shows it.
      const first = subject === null ? [] : [digest]
      const references = [...first, ...new Set(manifest.tags)]
      for (const reference of references.length === 0 ? [digest] : references) {
        const knows = await sendManifest(name, manifest, reference, signal)
        if (subject === null || reference !== digest || knows) continue
        await listAsReferrer(name, manifest, parsed, subject.digest, signal)
      }
      return digest
    },

    async getManifest(repository, reference, signal) {
      const name = nameOf(repository)
      if (!isDigest(reference)) requireTags([reference])
      return fetchManifest(name, reference, pulling(name), signal)
    },

    async getBlob(repository, digest, signal) {
      const name = nameOf(repository)
      requireDigest(digest)
      const url = client.urlOf(`/v2/${name}/blobs/${digest}`)
      const access = pulling(name)
      const response = await client.send(
        { method: 'GET', url, access, deadlineMs: downloadMs },
        signal,
      )
      if (response.status === 404) {
        await dropBody(response)
        return null
      }
      if (!response.ok)
        throw (await toRefusal(response, { base, doing: `the blob ${digest}` })).error
      const length = response.headers.get('content-length') ?? ''
      if (response.body === null || !/^\d{1,15}$/.test(length)) {
        await dropBody(response)
        throw new AppError(
          'unavailable',
          `The registry ${base} does not say how large ${digest} is`,
        )
      }
      const size = Number(length)
      const body = verifying({ digest, size })
      const incoming = Readable.fromWeb(response.body)
      pipeline(incoming, body, { signal }).catch(() => {})
      return { size, body }
    },

    async check(signal) {
      const url = client.urlOf('/v2/')
      const access: Access = { repository: null, action: 'pull' }
      const response = await client.send({ method: 'GET', url, access, tries: 1 }, signal)
      if (!response.ok) throw (await toRefusal(response, { base, doing: 'to be looked at' })).error
      await dropBody(response)
    },
  }
}
