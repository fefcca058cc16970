import type { DiscoveryJob } from '@slipway/contract/jobs'
import { GitError, readForge } from '../git/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { ClaimedJob, JobOutcome } from '../ports/job-bus.ts'
import type { Discovery } from '../runs/index.ts'
import type { WorkerDeps } from './deps.ts'
import { locateRemote } from './locate-remote.ts'

/** Reads what a commit asks for. A fault that may pass is a failed attempt; any other ends the run. */
export async function runDiscovery(
  deps: WorkerDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const payload = job.payload as DiscoveryJob
  const claim = { id: job.id, attempt: job.attempt, workerId: deps.workerId }
  const discovery = await discover(deps, payload, claim, signal)
  await deps.control.completeDiscovery({
    runId: payload.run_id,
    claim,
    discovery,
  })
  return { state: 'settled' }
}

async function discover(
  deps: WorkerDeps,
  payload: DiscoveryJob,
  claim: JobClaim,
  signal: AbortSignal,
): Promise<Discovery> {
  try {
    const remote = await locateRemote(deps, claim)
    const publishers = deps.serverPublishers.map(({ name }) => name)
    const forge = await readForge(
      deps.mirrors,
      { ...remote, commit: payload.commit_sha, publishers },
      signal,
    )
    if (!forge.ok) return { ok: false, message: summary(forge.problems), problems: forge.problems }
    return {
      ok: true,
      commitSha: forge.sha,
      repository: forge.repository,
      projects: forge.projects,
    }
  } catch (error) {
    if (error instanceof GitError && error.permanent) return { ok: false, message: error.message }
    throw error
  }
}

function summary(problems: readonly { file: string; message: string }[]): string {
  const [first] = problems
  const rest = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return `The configuration is not valid: ${first?.file}: ${first?.message}${rest}`
}
