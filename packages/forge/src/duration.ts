/** Milliseconds, both ends included. */
export interface DurationBounds {
  minMs: number
  maxMs: number
}

/** Bounds of a timeout: 1 second to 24 hours. */
export const timeoutBounds: DurationBounds = { minMs: 1_000, maxMs: 24 * 3_600_000 }

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const
const syntax =
  /^(?:(\d{1,9}(?:\.\d{1,3})?)h)?(?:(\d{1,9}(?:\.\d{1,3})?)m)?(?:(\d{1,9}(?:\.\d{1,3})?)s)?(?:(\d{1,9})ms)?$/

/**
 * Milliseconds of a duration such as `30m`, `1h30m`, `1.5h` or `90s`: numbers with
 * the units h, m, s and ms, each at most once and the largest first.
 * Throws a RangeError that a user can read when it is malformed or out of bounds.
 */
export function parseDuration(text: string, bounds: DurationBounds = timeoutBounds): number {
  const match = syntax.exec(text)
  if (match === null || text === '') {
    throw new RangeError(
      `must be a duration such as 30m, 90s or 1h30m, not ${JSON.stringify(text.slice(0, 40))}`,
    )
  }
  const parts = [unitMs.h, unitMs.m, unitMs.s, unitMs.ms]
  const total = parts.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unit, 0)
  const ms = Math.round(total)
  if (ms < bounds.minMs || ms > bounds.maxMs) {
    const range = `${formatDuration(bounds.minMs)} to ${formatDuration(bounds.maxMs)}`
    throw new RangeError(`must be a duration from ${range}, not ${text}`)
  }
  return ms
}

/** The shortest text that `parseDuration` reads as these milliseconds: `1h30m`. */
export function formatDuration(ms: number): string {
  let rest = ms
  let text = ''
  for (const [unit, size] of Object.entries(unitMs)) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text === '' ? '0s' : text
}
