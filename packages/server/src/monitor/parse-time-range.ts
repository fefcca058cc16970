import { AppError } from '../errors.ts'

const hourMs = 3_600_000
const unitMs: Readonly<Record<string, number>> = { h: hourMs, d: 24 * hourMs, w: 168 * hourMs }
const shortestMs = hourMs
const longestMs = 365 * 24 * hourMs

/** The milliseconds of `7d`, `24h`, `2w`, …; `invalid_request` for what is no range of 1h to 365d. */
export function parseTimeRange(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})([dhw])$/.exec(text) ?? []
  const ms = Number(digits) * (unitMs[unit] ?? Number.NaN)
  if (ms >= shortestMs && ms <= longestMs) return ms
  throw new AppError(
    'invalid_request',
    'timeRange must be a number followed by h, d or w, such as 24h, 7d or 2w, from 1h to 365d',
  )
}
