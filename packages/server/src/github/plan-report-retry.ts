import type { GitHubFailure } from '../ports/github.ts'

const second = 1_000
const firstDelayMs = 2 * second
/** Longest pause where GitHub is away, and where somebody has to change something first. */
const longestMs = { away: 300 * second, refused: 1_800 * second }
const triedForMs = 24 * 3_600 * second

export interface RetryPlan {
  /** Milliseconds until this report is tried again. */
  delayMs: number
  /** Milliseconds that others of the same repository wait. */
  othersMs: number
  /** Whether it was a try of this report: a limit says nothing about it. */
  counts: boolean
}

/**
 * When a report that GitHub did not take is sent again; null: never, because that cannot help or a day
 * of trying is over. `attempt` counts failed tries from 1; `random` is of 0 to 1.
 */
export function planReportRetry(input: {
  reason: GitHubFailure
  attempt: number
  ageMs: number
  retryAfterMs: number | null
  random: number
}): RetryPlan | null {
  const { reason, attempt, ageMs, retryAfterMs, random } = input
  if (reason === 'missing' || reason === 'invalid' || ageMs >= triedForMs) return null
  if (reason === 'limited') {
    const delayMs = Math.max(second, retryAfterMs ?? 60 * second)
    return { delayMs, othersMs: delayMs, counts: false }
  }
  const grown = firstDelayMs * 3 ** Math.min(attempt - 1, 12)
  const delayMs = Math.round(Math.min(longestMs[reason], grown) * (0.8 + 0.4 * random))
  return { delayMs, othersMs: Math.min(delayMs, firstDelayMs), counts: true }
}
