import { type ClaimedAttempt, type ClaimInput, claimJobs } from './claim-jobs.ts'
import { completeJobs, type EncodedVerdict } from './complete-jobs.ts'
import { expireJob } from './expire-jobs.ts'
import { failAttempt, type FailedAttempt, failJob } from './fail-attempt.ts'
import type { LedgerDeps } from './job-owners.ts'
import { type HeldJob, listHeldJobs } from './list-held-jobs.ts'
import { listQueuedJobs } from './list-queued-jobs.ts'
import { msToNextRun } from './next-run.ts'
import { releaseJobs, returnJobs } from './release-jobs.ts'

/**
 * All that a worker does to the ledger. In a server these are statements on the database; in a worker on
 * another machine they are requests to the API, where a call that was lost on its way may be repeated:
 * each names the attempt that it is about, and a second one finds nothing left to do.
 *
 * Failure: a rejection says that nobody knows whether it happened.
 */
export interface WorkLedger {
  /** See `claimJobs`. */
  claim(input: ClaimInput): Promise<ClaimedAttempt[]>
  /** See `completeJobs`. */
  complete(input: {
    workerId: string
    verdicts: readonly EncodedVerdict[]
  }): Promise<ReadonlySet<string>>
  /** See `failAttempt`; the pause before the next attempt, null where there is none. */
  failAttempt(failed: FailedAttempt): Promise<{ delayMs: number | null } | null>
  /** See `failJob`. */
  failJob(failed: FailedAttempt & { result?: unknown }): Promise<boolean>
  /** See `releaseJobs`. */
  release(input: {
    workerId: string
    only: readonly HeldAttempt[]
    error: string
    excused?: boolean
  }): Promise<void>
  /** See `returnJobs`. */
  giveBack(input: { workerId: string; attempts: readonly HeldAttempt[] }): Promise<void>
  /** See `listHeldJobs`. */
  listHeld(input: { workerId: string; types: readonly string[] }): Promise<readonly HeldJob[]>
  /** See `listQueuedJobs`. Asked after a claim by id that did not give all. */
  listQueued(input: { ids: readonly string[] }): Promise<readonly string[]>
  /** See `expireJob`. */
  expire(input: HeldAttempt & { workerId: string }): Promise<void>
  /** See `msToNextRun`. */
  msToNextRun(input: { types: readonly string[] }): Promise<number | null>
}

export interface HeldAttempt {
  id: string
  attempt: number
}

/** The ledger as a process that has the database works on it. */
export function openWorkLedger(deps: LedgerDeps): WorkLedger {
  return {
    claim: (input) => claimJobs(deps, input),
    complete: (input) => completeJobs(deps, input),
    failAttempt: (failed) => failAttempt(deps, failed),
    failJob: (failed) => failJob(deps, failed),
    release: async (input) => void (await releaseJobs(deps, input)),
    giveBack: (input) => returnJobs(deps, input),
    listHeld: (input) => listHeldJobs(deps, input),
    listQueued: (input) => listQueuedJobs(deps, input),
    expire: async ({ id, attempt }) => void (await expireJob(deps, { id, attempt })),
    msToNextRun: (input) => msToNextRun(deps, input),
  }
}
