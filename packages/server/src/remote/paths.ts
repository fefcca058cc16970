import type { JobClaim } from '../jobs/index.ts'

/** Where a worker's own things are in the API. */
export function workerPath(workerId: string): string {
  return `/v1/workers/${workerId}`
}

/** Where what is about one attempt that a worker holds is. */
export function attemptPath({ id, attempt, workerId }: JobClaim): string {
  return `${workerPath(workerId)}/jobs/${id}/attempts/${attempt}`
}
