import type { JobReply } from '@slipway/contract/jobs'
import type { AttemptEnding } from './job-source.ts'

/** What the dispatcher of a job is told of its end. */
export function makeReply(jobId: string, end: NonNullable<AttemptEnding['jobEnd']>): JobReply {
  const { state, resultJson, reference, error } = end
  const reply = { job_id: jobId, state, error }
  if (reference !== null) return { ...reply, result_reference: reference }
  return resultJson === null ? reply : { ...reply, result: JSON.parse(resultJson) as unknown }
}
