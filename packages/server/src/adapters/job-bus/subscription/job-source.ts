import type { JobReply } from '@slipway/contract/jobs'
import type { ClaimedAttempt } from '../../../jobs/index.ts'

/** Where a subscription gets its attempts from. Only one `claim` is under way at a time. */
export interface JobSource {
  /**
   * Claims up to `limit` jobs. `more`: asking again may bring more at once; otherwise the source wakes the
   * subscription when it may. A rejection is followed by another call after a pause.
   */
  claim(limit: number): Promise<{ jobs: readonly ClaimedAttempt[]; more: boolean }>
  /** These were claimed and will not be begun. */
  giveBack(jobs: readonly ClaimedAttempt[]): Promise<void>
  /** The attempt is over. Null: the ledger could not be told, so that somebody else has to see to the job. */
  ended(job: ClaimedAttempt, end: AttemptEnding | null): void
  /** A job of this subscription may be claimed again in so many milliseconds. */
  retryIn(ms: number): void
  /** Nothing is claimed any more; what was brought and not claimed is let go. Never rejects. */
  stop(): Promise<void>
  /** Everything is over. Never rejects. */
  close(): Promise<void>
}

/** What a source may call at any time. */
export interface SourceEvents {
  /** Something may be claimable. */
  wake(): void
  /** The ledger did not answer. */
  onFailure(): void
}

/** What came of an attempt: `jobEnd` if the job ended with it. */
export interface AttemptEnding {
  jobEnd: {
    state: JobReply['state']
    /** As the ledger has it. */
    resultJson: string | null
    /** The object that the result was stored as. */
    reference: string | null
    error: string | null
  } | null
}
