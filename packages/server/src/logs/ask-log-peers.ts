import { createHash } from 'node:crypto'
import { AppError } from '../errors.ts'
import { type CallServer, type CallServerInput, ServerAway } from '../servers/index.ts'
import type { FollowEnd } from './file-log-store.ts'
import { decodeFrames } from './log-frames.ts'
import type { LogPeers } from './log-peers.ts'
import type { LogChunk, LogRange, LogStat } from './log-store.ts'
import type { ReceivedLog } from './receive-log.ts'

/** Where a server answers for the logs of its data directory. */
export const peerLogsPath = '/v1/servers/logs'
/** Milliseconds of silence after which a stream has broken off: there is a frame every 15 s. */
const silentMs = 45_000
/** Milliseconds for an answer that is no stream. */
const wholeMs = 30_000
/** Milliseconds that the upload of a log may take. */
const parkMs = 120_000

type Query = Readonly<Record<string, string | number | boolean>>

/** Asks the file log stores of other servers by HTTP. */
export function createLogPeers(deps: { call: CallServer }): LogPeers {
  const ask = async (
    home: string,
    method: CallServerInput['method'],
    path: string,
    options: {
      query: Query
      body?: Buffer
      signal?: AbortSignal
      timeoutMs?: number
      answerMs?: number
    },
  ): Promise<Response> => {
    const { query, body, signal, timeoutMs = wholeMs, answerMs } = options
    const text = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) text.set(name, String(value))
    const target = `${peerLogsPath}${path}?${text.toString()}`
    const response = await deps.call({
      home,
      method,
      target,
      signal: signal ?? AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body }),
      ...(answerMs === undefined ? {} : { answerMs }),
    })
    if (response.ok || response.status === 404) return response
    await refuse(response)
    return response
  }

  const json = async <T>(...asked: Parameters<typeof ask>): Promise<T | null> => {
    const response = await ask(...asked)
    return whole(async () => {
      const text = await response.text()
      return response.status === 404 || text === '' ? null : (JSON.parse(text) as T)
    })
  }

  async function* lines(
    home: string,
    key: string,
    range: LogRange & { follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<LogChunk, FollowEnd> {
    const silent = new AbortController()
    const timer = setTimeout(() => silent.abort(), silentMs)
    try {
      const response = await ask(home, 'GET', '/lines', {
        query: { key, ...range },
        signal: AbortSignal.any([signal, silent.signal]),
      })
      for await (const { head, data } of decodeFrames(bodyOf(response))) {
        timer.refresh()
        if (head.end !== undefined) return head.end as FollowEnd
        const { seq, lines: count, at } = head
        if (seq === undefined || count === undefined || at === undefined) continue
        yield { seq, lines: count, at: new Date(at), data }
      }
    } catch (error) {
      if (signal.aborted) return 'aborted'
      if (error instanceof ServerAway || error instanceof AppError) throw error
      throw new ServerAway(null, { cause: error })
    } finally {
      clearTimeout(timer)
      silent.abort()
    }
    throw new ServerAway(null)
  }

  return {
    stat: (home, key) => json<LogStat>(home, 'GET', '/stat', { query: { key } }),

    async *read(home, key, range, signal) {
      yield* lines(home, key, { ...range, follow: false }, signal)
    },

    follow: (home, key, range, signal) => lines(home, key, { ...range, follow: true }, signal),

    async *readBytes(home, key, start, end) {
      const response = await ask(home, 'GET', '/bytes', {
        query: { key, start, end },
        timeoutMs: 3_600_000,
      })
      if (response.status === 404) {
        await response.body?.cancel()
        return
      }
      yield* streamOf(response, Number(response.headers.get('x-slipway-bytes')))
    },

    async readEnd(home, key, bytes) {
      const response = await ask(home, 'GET', '/end', { query: { key, bytes } })
      return whole(async () => {
        const data = Buffer.from(await response.arrayBuffer())
        if (response.status === 404) return null
        return { data, isWhole: response.headers.get('x-slipway-whole') === 'true' }
      })
    },

    async openWhole(home, key) {
      const response = await ask(home, 'GET', '/whole', { query: { key }, timeoutMs: 3_600_000 })
      if (response.status === 404) {
        await response.body?.cancel()
        return null
      }
      const bytes = Number(response.headers.get('x-slipway-bytes'))
      const indexBytes = Number(response.headers.get('x-slipway-index-bytes'))
      return {
        bytes,
        indexBytes,
        content: () => streamOf(response, bytes + indexBytes),
        async close() {
          await response.body?.cancel().catch(() => {})
        },
      }
    },

    async receive(home, key, piece) {
      const body = Buffer.concat([piece.index, piece.data])
      const { offset, indexOffset, writer } = piece
      const sha256 = createHash('sha256').update(body).digest('hex')
      const query = {
        key,
        offset,
        index_offset: indexOffset,
        index_bytes: piece.index.length,
        writer,
        sha256,
      }
      return known(await json<ReceivedLog>(home, 'PUT', '', { query, body }))
    },

    async sealReceived(home, key, { bytes, indexBytes }) {
      const query = { key, bytes, index_bytes: indexBytes }
      return known(
        await json<ReceivedLog>(home, 'POST', '/seal', {
          query,
          timeoutMs: parkMs,
          answerMs: parkMs,
        }),
      )
    },

    async park(home, key) {
      await json(home, 'POST', '/park', { query: { key }, timeoutMs: parkMs, answerMs: parkMs })
    },

    async deletePrefix(home, prefix) {
      await json(home, 'DELETE', '', { query: { prefix } })
    },
  }
}

function known<T>(answer: T | null): T {
  if (answer === null) throw new ServerAway(null)
  return answer
}

/** An answer that breaks off says as little as none. */
async function whole<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw new ServerAway(null, { cause: error })
  }
}

async function refuse(response: Response): Promise<never> {
  const text = await response.text().catch(() => '')
  if (response.status === 409)
    throw new AppError('resource_conflict', 'This log is written elsewhere')
  throw new ServerAway(null, { cause: new Error(`${response.status} ${text.slice(0, 500)}`) })
}

function bodyOf(response: Response): AsyncIterable<Uint8Array> {
  return response.body ?? new ReadableStream<Uint8Array>()
}

async function* streamOf(response: Response, length: number): AsyncGenerator<Buffer> {
  let seen = 0
  try {
    for await (const chunk of bodyOf(response)) {
      seen += chunk.length
      yield Buffer.from(chunk)
    }
  } catch (error) {
    throw new ServerAway(null, { cause: error })
  }
  if (seen !== length) throw new ServerAway(null)
}
