import type {
  PutWorkerManifestResponse,
  WorkerManifestResponse,
} from '@slipway/contract/worker-artifacts'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { BlobSource, Registry } from '../ports/registry.ts'
import type { WorkerApi } from '../ports/worker-api.ts'
import { NoAnswer } from './http/no-answer.ts'
import type { WorkerClient } from './http/open-worker-client.ts'
import { readRefusal, readText } from './http/read-answer.ts'
import { attemptPath } from './paths.ts'

/**
 * The home registry through the server: the one repository of the artifact whose job the worker holds. Where
 * the server does not answer, calls fail with AppError `unavailable`, as those of any registry do.
 */
export function createRemoteRegistry(
  deps: { client: WorkerClient; api: WorkerApi },
  input: { claim: JobClaim; base: string },
): Registry {
  const { client, api } = deps
  const { claim, base } = input
  const own = attemptPath(claim)
  const blobPath = (digest: string) => `${own}/blobs/${digest}`

  /** Status of the answer on whether it is there: 200, 404, or what is wrong. */
  async function askForBlob(digest: string, signal: AbortSignal): Promise<number> {
    const answer = await api.request('HEAD', blobPath(digest), { signal })
    answer.body.resume()
    return answer.status
  }

  async function sendBlob(blob: BlobSource, signal: AbortSignal): Promise<void> {
    const body = await blob.open()
    try {
      const answer = await api.request('PUT', blobPath(blob.digest), {
        body,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(blob.size),
        },
        signal,
      })
      const text = await readText(answer)
      if (answer.status !== 204) throw readRefusal(answer.status, text)
    } finally {
      body.destroy()
    }
  }

  return {
    name: 'home',
    base,
    async putBlob(_repository, blob, signal) {
      const once = async () => {
        const status = await askForBlob(blob.digest, signal)
        if (status >= 500) throw new NoAnswer(`status ${status}`, { mayHaveHappened: false })
        // What is wrong otherwise is said in words when it is sent.
        if (status !== 200) await sendBlob(blob, signal)
      }
      await asRegistry(base, signal, () => client.persist(once, signal))
    },
    putManifest: (_repository, { mediaType, content, tags }, signal) =>
      asRegistry(base, signal, async () => {
        const body = { mediaType, content: content.toString('base64'), tags }
        const options = { body, repeat: 'always', signal } as const
        const path = `${own}/manifest`
        return (await client.ask<PutWorkerManifestResponse>('POST', path, options)).digest
      }),
    getManifest: (_repository, reference, signal) =>
      asRegistry(base, signal, async () => {
        const path = `${own}/manifest?reference=${encodeURIComponent(reference)}`
        const options = { repeat: 'always', signal } as const
        const { manifest } = await client.ask<WorkerManifestResponse>('GET', path, options)
        if (manifest === null) return null
        return { ...manifest, content: Buffer.from(manifest.content, 'base64') }
      }),
    getBlob: (_repository, digest, signal) =>
      asRegistry(base, signal, async () => {
        const answer = await api.request('GET', blobPath(digest), { signal })
        if (answer.status === 200) {
          const size = Number(answer.headers['content-length'])
          return { size, body: answer.body }
        }
        const refusal = readRefusal(answer.status, await readText(answer))
        if (refusal instanceof AppError && refusal.code === 'resource_not_found') return null
        throw refusal
      }),
    async check(signal) {
      await asRegistry(base, signal, async () => {
        const status = await askForBlob(`sha256:${'0'.repeat(64)}`, signal)
        if (status === 200 || status === 404) return
        throw new NoAnswer(`status ${status}`, { mayHaveHappened: false })
      })
    },
  }
}

async function asRegistry<T>(
  base: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new AppError('unavailable', `The registry ${base} cannot be reached: ${why}`)
  }
}
