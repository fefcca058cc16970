import { json, text } from 'node:stream/consumers'
import type { PlatformError } from '@slipway/contract/errors'
import type { WorkerLogState } from '@slipway/contract/worker-files'
import type { WorkerApi, WorkerApiAnswer } from '../../ports/worker-api.ts'
import type { LogPiece, ReceivedLog } from '../../logs/index.ts'

/** Whose log it is. */
export interface LogOwner {
  workerId: string
  key: string
}

/** The routes for logs of the worker API. Everything rejects where nobody knows whether it happened. */
export interface LogApi {
  put(owner: LogOwner, piece: LogPiece): Promise<ReceivedLog>
  seal(owner: LogOwner, whole: { bytes: number; indexBytes: number }): Promise<ReceivedLog>
  /** What there is of the log; null when it has not begun. Rejects with `LogAway` where it cannot be had. */
  get(owner: LogOwner, signal: AbortSignal): Promise<(WorkerApiAnswer & Lengths) | null>
}

interface Lengths {
  bytes: number
  indexBytes: number
}

/** The log is no longer this worker's: whatever is tried again is refused again. */
export class LogRefused extends Error {
  override readonly name = 'LogRefused'
}

/** What there is of the log is where it cannot be had. */
export class LogAway extends Error {
  override readonly name = 'LogAway'
}

/** Milliseconds for one piece, and for the hand-over of a log. */
const putMs = 30_000
const sealMs = 120_000

export function createLogApi(api: WorkerApi): LogApi {
  const target = ({ workerId, key }: LogOwner, path: string, more: Record<string, string>) =>
    `/v1/workers/${workerId}/logs${path}?${new URLSearchParams({ key, ...more }).toString()}`

  const stateOf = async (answer: WorkerApiAnswer): Promise<ReceivedLog> => {
    if (answer.status !== 200) throw await toError(answer)
    const state = (await json(answer.body)) as WorkerLogState
    return { bytes: state.bytes, indexBytes: state.index_bytes, sealed: state.sealed }
  }

  return {
    async put(owner, piece) {
      const { offset, indexOffset, index, data, writer } = piece
      const path = target(owner, '', {
        offset: String(offset),
        index_offset: String(indexOffset),
        index_bytes: String(index.length),
        writer,
      })
      return stateOf(
        await api.request('PUT', path, {
          body: Buffer.concat([index, data]),
          headers: { 'content-type': 'application/octet-stream' },
          signal: AbortSignal.timeout(putMs),
        }),
      )
    },

    async seal(owner, { bytes, indexBytes }) {
      const path = target(owner, '/seal', { bytes: String(bytes), index_bytes: String(indexBytes) })
      return stateOf(await api.request('POST', path, { signal: AbortSignal.timeout(sealMs) }))
    },

    async get(owner, signal) {
      const answer = await api.request('GET', target(owner, '', {}), { signal })
      if (answer.status === 200) {
        const { 'x-slipway-bytes': bytes, 'x-slipway-index-bytes': indexBytes } = answer.headers
        return { ...answer, bytes: Number(bytes), indexBytes: Number(indexBytes) }
      }
      if (answer.status === 204) {
        answer.body.resume()
        return null
      }
      throw await toError(answer)
    },
  }
}

/** Statuses after which the same request may do: too early, too often, an error of the server's or on the way. */
const passing: ReadonlySet<number> = new Set([408, 425, 429])

async function toError(answer: WorkerApiAnswer): Promise<Error> {
  const told = (await text(answer.body).catch(() => '')).slice(0, 1_000)
  const message = `${answer.status} ${told}`
  const { status } = answer
  if (status === 503 && isAboutServer(told)) return new LogAway(message)
  return status >= 500 || passing.has(status) ? new Error(message) : new LogRefused(message)
}

/** `unavailable` may be many things; of a log on a server that cannot be asked it names the server. */
function isAboutServer(told: string): boolean {
  try {
    const { error } = JSON.parse(told) as PlatformError
    return error.details !== undefined && 'server' in error.details
  } catch {
    return false
  }
}
