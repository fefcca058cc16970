import type { IncomingMessage } from 'node:http'
import { AppError } from '../errors.ts'
import { readWhole } from './read-whole.ts'

const maxErrorBytes = 256 * 1024
/** The longest that a server is obeyed when it says how long to wait. */
const longestRetryMs = 30_000

/** The API server refuses, with the status, the reason and the words of its answer. */
export class KubernetesRefusal extends Error {
  override readonly name = 'KubernetesRefusal'
  readonly status: number
  /** Such as `NotFound`, `AlreadyExists`, `Conflict`, `Forbidden`, `Expired`; empty where it says none. */
  readonly reason: string
  /** When it wants to be asked again; null: it does not say. */
  readonly retryAfterMs: number | null

  constructor(status: number, reason: string, message: string, retryAfterMs: number | null = null) {
    super(message)
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

export async function refusalOf(
  answer: IncomingMessage,
  /** Milliseconds of silence after which its words are not waited for. */
  silenceMs: number,
): Promise<KubernetesRefusal> {
  const status = answer.statusCode ?? 500
  const seconds = Number(answer.headers['retry-after'] ?? Number.NaN)
  const retryAfterMs = Number.isFinite(seconds) ? Math.min(seconds * 1_000, longestRetryMs) : null
  const text = await readWhole(answer, { silenceMs, limit: maxErrorBytes }).then(String, () => '')
  try {
    const { reason, message } = JSON.parse(text) as { reason?: unknown; message?: unknown }
    if (typeof message === 'string') {
      return new KubernetesRefusal(
        status,
        typeof reason === 'string' ? reason : '',
        message,
        retryAfterMs,
      )
    }
  } catch {
    // A proxy in between answers in its own way: what it says is all there is.
  }
  const said = text.trim().slice(0, 500) || `status ${status}`
  return new KubernetesRefusal(status, '', said, retryAfterMs)
}

export function isGone(error: unknown): boolean {
  return error instanceof KubernetesRefusal && error.status === 404
}

/** A refusal in words of ours; anything else stays as it is. */
export function explainRefusal(error: unknown, what: string): unknown {
  if (!(error instanceof KubernetesRefusal)) return error
  const { status, message } = error
  const said = `${what}: ${message}`
  if (status === 401) {
    return new AppError('unavailable', `${what}: the cluster does not accept the server’s account`)
  }
  if (status === 403) return new AppError('unavailable', said)
  if (status === 429 || status >= 500) return new AppError('unavailable', said)
  return new AppError('invalid_request', said)
}
