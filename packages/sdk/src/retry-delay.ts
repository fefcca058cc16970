export interface RetryPolicy {
  /** Tries after the first one. */
  retries: number
  /** Wait before the first retry at most, in milliseconds; doubles with each. */
  baseDelayMs: number
  /** Longest wait, also when the server asks for a longer one: then the error is thrown. */
  maxDelayMs: number
}

export const defaultRetryPolicy: RetryPolicy = { retries: 3, baseDelayMs: 200, maxDelayMs: 30_000 }

export interface FailedTry {
  method: string
  /** 0 when there was no answer. */
  status: number
  /** The `Retry-After` header. */
  retryAfter?: string | null
  /** Retries that were already made. */
  made: number
}

const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/**
 * How long to wait before trying again, in milliseconds; null: do not.
 * 429 and 503 say that nothing was done, so any method may be sent again; another failure may have
 * hit after the work was done, so only an idempotent method may. A 429 without `Retry-After` is a
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
  if (!refused && !(lost && idempotent.has(failed.method))) return null
  if (asked !== null) return asked <= policy.maxDelayMs ? asked : null
  return backoff(failed.made, policy, random)
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
