import type { WorkerAttemptParams } from '@slipway/contract/worker-api'
import type { JobClaim } from '../../../jobs/index.ts'

/** The attempt that a path names. */
export function claimOf({ id, job_id, attempt }: WorkerAttemptParams): JobClaim {
  return { id: job_id, attempt, workerId: id }
}
