import type { TaskJob } from '@slipway/contract/jobs'
import type { StepConfig } from '@slipway/forge'
import { currentTraceparent } from '../correlation.ts'

/**
 * The environment of a step: what it declares, and what every step is told about its run; where that is traced,
 * also what a tool needs to go on with the trace.
 */
export function stepEnvironment(job: TaskJob, step: StepConfig): Record<string, string> {
  const traceparent = currentTraceparent()
  return {
    ...step.env,
    CI: 'true',
    SLIPWAY: 'true',
    SLIPWAY_RUN_ID: job.run_id,
    SLIPWAY_REPOSITORY: job.repository,
    SLIPWAY_BRANCH: job.branch,
    SLIPWAY_COMMIT_SHA: job.commit_sha,
    SLIPWAY_TRIGGER_TYPE: job.trigger_type,
    SLIPWAY_PHASE: job.phase,
    SLIPWAY_PROJECT: job.project,
    SLIPWAY_STEP: step.name,
    ...(traceparent === null ? {} : { TRACEPARENT: traceparent }),
  }
}
