/** States of a job in the ledger; the first two are live, the others are for ever. */
export const jobStates = ['queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]

/**
 * What can happen to a job.
 * claim: a worker takes it. return: it gives it back without having begun.
 * succeed, fail: the handler's verdict, final. lose: the attempt came to nothing (its handler
 * rejected, its worker went away), and there may be another. expire: its deadline passed.
 * cancel: nobody wants it any more. strand: it was never begun, for no worker could be brought to take it.
 */
export const jobChanges = [
  'claim',
  'return',
  'succeed',
  'fail',
  'lose',
  'expire',
  'cancel',
  'strand',
] as const
export type JobChange = (typeof jobChanges)[number]

/** The part of a job that decides what may happen to it. */
export interface JobStanding {
  state: JobState
  /** Attempts begun. */
  attempt: number
  maxAttempts: number
}

const allowed: Readonly<
  Record<JobState, Partial<Record<JobChange, (job: JobStanding) => [JobState, number]>>>
> = {
  queued: {
    claim: (job) => ['running', job.attempt + 1],
    cancel: (job) => ['cancelled', job.attempt],
    strand: (job) => ['failed', job.attempt],
  },
  running: {
    return: (job) => ['queued', job.attempt - 1],
    succeed: (job) => ['succeeded', job.attempt],
    fail: (job) => ['failed', job.attempt],
    lose: (job) => [job.attempt < job.maxAttempts ? 'queued' : 'dead', job.attempt],
    expire: (job) => ['failed', job.attempt],
    cancel: (job) => ['cancelled', job.attempt],
  },
  succeeded: {},
  failed: {},
  dead: {},
  cancelled: {},
}

/** The job after the change, or null when its state does not allow it. */
export function applyChange(job: JobStanding, change: JobChange): JobStanding | null {
  const next = allowed[job.state][change]?.(job)
  return next === undefined ? null : { ...job, state: next[0], attempt: next[1] }
}

/** True of a state that nothing changes any more. */
export function isFinal(state: JobState): boolean {
  return Object.keys(allowed[state]).length === 0
}
