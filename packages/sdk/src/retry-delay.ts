export interface RetryPolicy {
  /** Tries after the first one. */
  retries: number
  /** Wait before the first retry at most, in milliseconds; doubles with each. */
  baseDelayMs: number
  /** Longest wait, also when the server asks for a longer one: then the error is thrown. */
  maxDelayMs: number
  /** No retry begins later than this behind the first try's beginning, in milliseconds. */
  deadlineMs: number
}

export const defaultRetryPolicy: RetryPolicy = {
  retries: 3,
  baseDelayMs: 200,
  maxDelayMs: 30_000,
  deadlineMs: 120_000,
}

export interface FailedTry {
  method: string
  /** 0 when there was no answer. */
  status: number
  /** The `Retry-After` header. */
  retryAfter?: string | null
  /** Retries that were already made. */
  made: number
  /** Whether asking twice is asking once although the method does not say so. Default false. */
  isRepeatable?: boolean
  /** Milliseconds since the first try began. Default 0. */
  elapsedMs?: number
}

const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/**
 * How long to wait before trying again, in milliseconds; null: do not.
 * 429 and 503 say that nothing was done, so any method may be sent again; another failure may have
 * hit after the work was done, so only an idempotent method may, or what is said to be repeatable. A 429 without `Retry-After` is a
 * limit that waiting does not lift.
 */
export function retryDelay(
  failed: FailedTry,
  policy: RetryPolicy,
  now: number = Date.now(),
  random: () => number = Math.random,
): number | null {
  if (failed.made >= policy.retries) return null
  const asked = parseRetryAfter(failed.retryAfter ?? null, now)
  const refused = failed.status === 503 || (failed.status === 429 && asked !== null)
  const lost = failed.status === 0 || failed.status === 502 || failed.status === 504
  const isRepeatable = failed.isRepeatable === true || idempotent.has(failed.method)
  if (!refused && !(lost && isRepeatable)) return null
  const delay = asked ?? backoff(failed.made, policy, random)
  const isLate = (failed.elapsedMs ?? 0) + delay > policy.deadlineMs
  return delay > policy.maxDelayMs || isLate ? null : delay
}

/** Longest wait for another connection of a stream or socket, in milliseconds, where the server asks for none. */
const mostReconnectMs = 5_000

/**
 * How long to wait before another connection is tried, in milliseconds; null: the server asks for a longer wait
 * than the policy has.
 */
export function reconnectDelay(
  { made, retryAfter }: Pick<FailedTry, 'made' | 'retryAfter'>,
  policy: RetryPolicy,
  now: number = Date.now(),
): number | null {
  const asked = parseRetryAfter(retryAfter ?? null, now) ?? 0
  if (asked > policy.maxDelayMs) return null
  return Math.max(asked, backoff(made, { ...policy, maxDelayMs: mostReconnectMs }))
}

/** Exponential with full jitter over its upper half. */
export function backoff(
  made: number,
  policy: Pick<RetryPolicy, 'baseDelayMs' | 'maxDelayMs'>,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(made, 30))
  return ceiling / 2 + (ceiling / 2) * random()
}

/** `Retry-After` in milliseconds from now: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null) return null
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
