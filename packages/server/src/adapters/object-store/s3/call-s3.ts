import { setTimeout as sleep } from 'node:timers/promises'
import { explainFailure, isPassing } from './explain-failure.ts'

/** How long a call may take. */
export interface CallLimits {
  /** Milliseconds of one attempt. */
  attemptMs: number
  /** Milliseconds for which what passes by itself (no connection, no answer, 5xx) is tried again. */
  patienceMs: number
  signal: AbortSignal
}

interface RequestOptions {
  abortSignal: AbortSignal
  requestTimeout: number
}

/**
 * Sends a request until it is answered. Rejects with the reason of `signal`, else with an AppError in
 * words for the operator. `whole`: the answer is whole when the request resolves; otherwise its body is
 * still to come, and only the wait for its beginning is limited.
 */
export async function callS3<T>(
  bucket: string,
  request: (options: RequestOptions) => Promise<T>,
  limits: CallLimits,
  whole = true,
): Promise<T> {
  const { attemptMs, patienceMs, signal } = limits
  const until = performance.now() + patienceMs
  for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
    signal.throwIfAborted()
    try {
      return await (whole ? withinTime(request, limits) : startOf(request, limits))
    } catch (error) {
      signal.throwIfAborted()
      if (!isPassing(error) || performance.now() + pause > until) {
        throw explainFailure(error, bucket)
      }
    }
    // So that those who wait do not all come back at once.
    await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
  }

  function startOf<R>(send: (options: RequestOptions) => Promise<R>, by: CallLimits): Promise<R> {
    return send({ abortSignal: by.signal, requestTimeout: attemptMs })
  }
}

/** The limit of the client is for the head of an answer alone; this one is for all of it. */
async function withinTime<T>(
  request: (options: RequestOptions) => Promise<T>,
  { attemptMs, signal }: CallLimits,
): Promise<T> {
  const attempt = new AbortController()
  const late = Object.assign(new Error(`no answer in ${attemptMs} ms`), { name: 'TimeoutError' })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    attempt.abort(late)
  }, attemptMs)
  const stop = () => attempt.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await request({ abortSignal: attempt.signal, requestTimeout: attemptMs })
  } catch (error) {
    throw isLate ? late : error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
