import type { JobReply } from '@slipway/contract/jobs'

/**
 * Moves jobs from the ledger to workers. The ledger is the truth: a bus may
 * lose, double or reorder what it carries, and nothing is lost or done twice,
 * because a delivery counts only when the ledger's conditional claim succeeds.
 *
 * Lifecycle: `open` once, any number of subscriptions, `close` once (it closes them).
 * Concurrency: a subscription never holds more than `capacity` jobs at a time.
 * Failure: while the bus is away, `wake` and `cancel` resolve, `check` rejects, and
 * everything queued is delivered when it is back, without anybody asking again.
 */
export interface JobBus {
  readonly name: string
  open(): Promise<void>
  /** Tells the bus that these jobs are committed to the ledger as queued. Never rejects. */
  wake(jobs: readonly JobNotice[]): void
  subscribe(options: SubscribeOptions): JobSubscription
  /** Tells whoever holds these jobs to stop working on them. Best effort: the ledger already says so. */
  cancel(jobIds: readonly string[]): void
  /**
   * Calls `listener` when a worker tells that it has ended the job, until the returned function is
   * called. Best effort, and only for jobs that this process has woken the bus for: the ledger knows.
   */
  onReply(jobId: string, listener: (reply: JobReply) => void): () => void
  /**
   * Hands an event, as the JSON of its envelope, to whoever listens beyond Slipway; resolves when it has left.
   * Rejects while the bus is away. Absent where the bus reaches nobody else.
   */
  publishEvent?(type: string, json: string): Promise<void>
  check(): Promise<void>
  /** What a bus with a server of its own says of itself. Rejects while that does not answer. Absent: it has none. */
  status?(): Promise<JobBusStatus>
  close(): Promise<void>
}

/** What waits in the server of a bus. */
export interface JobBusStatus {
  connected: boolean
  /** By job type: messages that no worker has been given, the lag of the consumer. */
  pending: ReadonlyMap<string, number>
  /** By job type: messages that workers have and have not acknowledged. */
  unacknowledged: ReadonlyMap<string, number>
  /** By job type: deliveries beyond the first of each message, ever. */
  redelivered: ReadonlyMap<string, number>
  /** Messages that were given up, and wait for somebody to look at them. */
  deadLetters: number
}

export interface JobNotice {
  id: string
  type: string
  subject: string
  /** Milliseconds before which it does not begin. Default 0. */
  delayMs?: number
}

export interface SubscribeOptions {
  workerId: string
  types: readonly string[]
  /** Jobs held at once. */
  capacity: number
  handle: JobHandler
}

/**
 * Does one claimed job. What it resolves to is written to the ledger; a rejection is a failed
 * attempt, retried until `max_attempts`. `signal` aborts, with a `JobAborted` as its reason, when the
 * job is cancelled, its deadline passes or the worker has lost its lease: what is returned afterwards
 * is refused by the ledger. It also aborts when the subscription is closed: an outcome still counts
 * then, and a rejection leaves the job to another worker at once.
 */
export type JobHandler = (job: ClaimedJob, signal: AbortSignal) => Promise<JobOutcome>

/** Why a handler is told to stop. */
export class JobAborted extends Error {
  override readonly name = 'JobAborted'
  readonly why: 'cancelled' | 'expired' | 'lost' | 'closing'

  constructor(why: JobAborted['why']) {
    super(`The job was aborted: ${why}.`)
    this.why = why
  }
}

export interface ClaimedJob {
  id: string
  type: string
  subject: string
  runId: string | null
  payload: unknown
  /** 1 for the first. */
  attempt: number
  /** When the ledger ends it. */
  deadlineAt: Date
  /** What caused it, as `currentOrigin` told it; absent or null: nobody knows. */
  origin?: string | null
}

export type JobOutcome =
  | { state: 'succeeded'; result: unknown }
  /** Ended for good: no further attempt would change it. */
  | { state: 'failed'; error: string; result?: unknown }
  /** The handler has already ended the job in a transaction of its own. */
  | { state: 'settled' }

export interface JobSubscription {
  /** Jobs in hand. */
  readonly active: number
  /**
   * Aborts those in hand because the worker's lease is lost or may be: others begin them again.
   * New ones come once the worker is registered again.
   */
  abandon(): void
  /** Takes no new jobs and resolves when those in hand are done. */
  drain(): Promise<void>
  /** Takes no new jobs and aborts those in hand; resolves when their handlers have returned. */
  close(): Promise<void>
}
