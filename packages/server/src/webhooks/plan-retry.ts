const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Milliseconds from the end of each failed attempt to the next one, before jitter. */
const delays = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
] as const
const jitter = 0.2
const triedForMs = 24 * hour

/**
 * When a delivery is tried again after its `attempt`th attempt (from 1) has failed: in how many
 * milliseconds, or null when a day of trying is over. `askedMs` is what the target's Retry-After asks
 * for: never sooner than that, never later than the day's end. `random` is of 0 to 1.
 */
export function planRetry(input: {
  attempt: number
  ageMs: number
  askedMs: number | null
  random: number
}): number | null {
  const { attempt, ageMs, askedMs, random } = input
  const delay = delays[attempt - 1]
  const left = triedForMs - ageMs
  if (delay === undefined || left <= 0) return null
  const spread = delay * (1 - jitter + 2 * jitter * random)
  return Math.round(Math.min(left, Math.max(spread, askedMs ?? 0)))
}

/** Milliseconds that a Retry-After asks for: seconds, or a date (RFC 9110); null when it says neither. */
export function parseRetryAfter(header: string | undefined, now: Date): number | null {
  if (header === undefined) return null
  const text = header.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * second
  const at = /^[A-Za-z]{3}, /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime())
}
