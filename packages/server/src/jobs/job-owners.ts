import type { UnitOfWork, UnitOfWorkDeps } from '../db/unit-of-work.ts'

/** A job whose attempt ended without its handler having settled it. */
export interface UnsettledJob {
  id: string
  type: string
  subject: string
  runId: string | null
  payload: unknown
  /** The attempt that ended; 0 if it was cancelled before the first. */
  attempt: number
  maxAttempts: number
  /** Whose attempt it was; null if nobody's. */
  workerId: string | null
  /** For people; null where there is nothing to say. */
  error: string | null
}

/**
 * failed: its handler says that no attempt would help. dead: the last attempt was lost or failed.
 * expired: the deadline passed. cancelled: by `cancelJobs`.
 */
export type EndReason = 'failed' | 'dead' | 'expired' | 'cancelled'

/** failed: the handler rejected. lost: the worker went away, or stopped before it was done. */
export type LossReason = 'failed' | 'lost'

/**
 * What a room does about jobs of a type that end, or lose an attempt, without their handler
 * having settled them. All of it runs in the transaction that changes the ledger, so the two
 * cannot disagree; a rejection undoes both, and is tried again.
 */
export interface JobOwner {
  /**
   * Takes the locks that `ended` and `attemptLost` need (the run's row). Called before the job's own
   * row is locked, because the room's transactions lock the run first and settle the job last; the
   * other order would deadlock. Not called for `cancelled`: whoever cancels already holds them.
   */
  lock?(unit: UnitOfWork, job: { id: string; runId: string | null }): Promise<void>
  /** The job is over, and not by success. */
  ended?(unit: UnitOfWork, job: UnsettledJob, reason: EndReason): Promise<void>
  /** The attempt is over; the job is queued again. */
  attemptLost?(unit: UnitOfWork, job: UnsettledJob, reason: LossReason): Promise<void>
}

/** By job type; a type without an entry is nobody's concern. */
export type JobOwners = Readonly<Partial<Record<string, JobOwner>>>

export interface LedgerDeps extends UnitOfWorkDeps {
  owners: JobOwners
  /** Milliseconds before the next attempt when attempt n was rejected. Default `retryDelayMs`. */
  retryDelayMs?: (attempt: number) => number
  /** Default: nothing is counted. */
  figures?: LedgerFigures
}

/** Told of what the ledger gives out and takes back. Nothing here throws. */
export interface LedgerFigures {
  /** A worker has a job that could have been begun so many seconds ago. */
  claimed(type: string, waitedSeconds: number): void
  /** An attempt came to nothing; `isDead`: there is no further one, and the job was given up. */
  attemptLost(type: string, reason: 'failed' | 'lost' | 'expired', isDead: boolean): void
}
