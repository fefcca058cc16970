import type { DeploymentJob } from '@slipway/contract/jobs'
import type { ClaimedJob, JobOutcome } from '../ports/job-bus.ts'
import type { WorkerDeps } from './deps.ts'

/** Deploys a release unasked. A fault that may pass is a failed attempt; a refusal ends the job. */
export async function runDeployment(deps: WorkerDeps, job: ClaimedJob): Promise<JobOutcome> {
  const { release_id: releaseId, environment } = job.payload as DeploymentJob
  const claim = { id: job.id, attempt: job.attempt, workerId: deps.workerId }
  const outcome = await deps.control.deploy({ releaseId, environment, claim })
  return 'refused' in outcome
    ? { state: 'failed', error: outcome.refused }
    : { state: 'succeeded', result: { deployment_id: outcome.deploymentId } }
}
