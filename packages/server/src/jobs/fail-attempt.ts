import { type AttemptEnded, endAttempt } from './end-attempt.ts'
import type { LedgerDeps } from './job-owners.ts'
import { retryDelayMs } from './retry-delay.ts'

export interface FailedAttempt {
  id: string
  attempt: number
  workerId: string
  error: string
}

/**
 * The attempt was rejected: the job is queued again after a pause, or dead after the last attempt.
 * Answers the pause in milliseconds (null when there is no further attempt), or null when the
 * attempt was not that worker's any more.
 */
export async function failAttempt(
  deps: LedgerDeps,
  failed: FailedAttempt,
): Promise<{ state: AttemptEnded['state']; delayMs: number | null } | null> {
  const delayMs = (deps.retryDelayMs ?? retryDelayMs)(failed.attempt)
  const ended = await endAttempt(deps, { ...failed, change: 'lose', reason: 'failed', delayMs })
  return ended && { state: ended.state, delayMs: ended.state === 'queued' ? delayMs : null }
}

/** Ends the job for good, telling its owner in the same transaction. False: not that worker's attempt any more. */
export async function failJob(
  deps: LedgerDeps,
  failed: FailedAttempt & { result?: unknown },
): Promise<boolean> {
  return (await endAttempt(deps, { ...failed, change: 'fail' })) !== null
}
