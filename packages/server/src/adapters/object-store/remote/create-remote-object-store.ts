import { createReadStream } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { checkObjectKey, checkObjectPrefix } from '../../../ports/object-key.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import type { WorkerApi, WorkerApiAnswer } from '../../../ports/worker-api.ts'
import { withDigest } from './with-digest.ts'

export interface RemoteObjectStoreOptions {
  api: WorkerApi
  workerId: string
}

const defaultTimeoutMs = 300_000
/** Milliseconds for an answer without a body, and until one with a body begins. */
const answerMs = 60_000

/**
 * The object store of a worker on another machine: the servers', as far as its jobs reach. What is uploaded
 * ends in its SHA-256, so that nothing is stored that was cut off or changed on its way.
 */
export function createRemoteObjectStore({ api, workerId }: RemoteObjectStoreOptions): ObjectStore {
  const pathOf = (key: string) =>
    `/v1/workers/${workerId}/objects/${key.split('/').map(encodeURIComponent).join('/')}`

  const ask = async (method: string, path: string): Promise<WorkerApiAnswer> => {
    const late = new AbortController()
    const timer = setTimeout(
      () => late.abort(new Error('the server did not answer in time')),
      answerMs,
    )
    try {
      const answer = await api.request(method, path, { signal: late.signal })
      if (answer.status !== 404) await requireSuccess(answer, path)
      return answer
    } finally {
      clearTimeout(timer)
    }
  }

  const upload = async (
    key: string,
    body: Readable,
    { contentType, timeoutMs = defaultTimeoutMs }: { contentType?: string; timeoutMs?: number },
  ) => {
    const timeout = AbortSignal.timeout(timeoutMs)
    const failed = new AbortController()
    // An upload that was given up must not end as if it were whole.
    const sent = withDigest(body, failed)
    try {
      const path = pathOf(key)
      const answer = await api.request('PUT', path, {
        body: sent,
        headers: {
          'content-type': 'application/octet-stream',
          ...(contentType === undefined ? {} : { 'x-slipway-type': contentType }),
        },
        signal: AbortSignal.any([timeout, failed.signal]),
      })
      await requireSuccess(answer, path)
      await discard(answer)
    } catch (error) {
      if (failed.signal.aborted) throw failed.signal.reason
      if (timeout.aborted) {
        throw new Error(`the upload took longer than ${timeoutMs} ms`, { cause: error })
      }
      throw error
    } finally {
      sent.destroy()
      body.destroy()
    }
  }

  return {
    name: 'remote',

    async put(key, body, options = {}) {
      const stream = Buffer.isBuffer(body) ? Readable.from([body], { objectMode: false }) : body
      try {
        checkObjectKey(key)
        await upload(key, stream, options)
      } finally {
        stream.destroy()
      }
    },

    async putFile(key, path, options = {}) {
      checkObjectKey(key)
      const file = await open(path, 'r')
      await upload(key, createReadStream(path, { fd: file }), options)
      await unlink(path)
    },

    async get(key, range) {
      checkObjectKey(key)
      const query = new URLSearchParams()
      if (range !== undefined) query.set('start', String(range.start))
      if (range?.end !== undefined) query.set('end', String(range.end))
      const answer = await ask('GET', `${pathOf(key)}?${query.toString()}`)
      if (answer.status !== 404) return answer.body
      await discard(answer)
      return null
    },

    async head(key) {
      checkObjectKey(key)
      const answer = await ask('HEAD', pathOf(key))
      await discard(answer)
      if (answer.status === 404) return null
      const { 'x-slipway-size': size, 'x-slipway-modified': modified } = answer.headers
      return { size: Number(size), modifiedAt: new Date(Number(modified)) }
    },

    async delete(key) {
      checkObjectKey(key)
      await discard(await ask('DELETE', pathOf(key)))
    },

    async deletePrefix(prefix) {
      checkObjectPrefix(prefix)
      await discard(await ask('DELETE', pathOf(prefix)))
    },

    presign: async () => null,

    async check() {
      const answer = await ask('GET', '/readyz')
      await discard(answer)
    },

    close: async () => {},
  }
}

/** A body that nobody reads holds its connection. */
async function discard({ body }: WorkerApiAnswer): Promise<void> {
  body.on('error', () => {})
  body.resume()
  await new Promise<void>((resolve) => body.once('close', resolve).once('end', resolve))
}

async function requireSuccess(answer: WorkerApiAnswer, path: string): Promise<void> {
  if (answer.status < 300) return
  const told = (await text(answer.body).catch(() => '')).slice(0, 500)
  const [place = ''] = path.split('?')
  throw new Error(`the server refused ${place}: ${answer.status} ${told}`)
}
