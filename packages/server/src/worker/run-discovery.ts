import type { DiscoveryJob } from '@slipway/contract/jobs'
import { isForgeFile, loadForge } from '@slipway/forge'
import { GitError, listFiles, readFiles, repositoryUrl } from '../git/index.ts'
import type { ClaimedJob, JobOutcome } from '../ports/job-bus.ts'
import type { Discovery } from '../runs/index.ts'
import type { WorkerDeps } from './deps.ts'

/** Reads what a commit asks for. A fault that may pass is a failed attempt; any other ends the run. */
export async function runDiscovery(
  deps: WorkerDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const payload = job.payload as DiscoveryJob
  const discovery = await discover(deps, payload, signal)
  await deps.control.completeDiscovery({
    runId: payload.run_id,
    claim: { id: job.id, attempt: job.attempt, workerId: deps.workerId },
    discovery,
  })
  return { state: 'settled' }
}

async function discover(
  deps: WorkerDeps,
  payload: DiscoveryJob,
  signal: AbortSignal,
): Promise<Discovery> {
  try {
    const url = repositoryUrl(deps.gitBaseUrl, payload.repository)
    const { sha, files } = await deps.mirrors.useCommit(
      { url, commit: payload.commit_sha },
      signal,
      async (mirror, sha) => {
        const paths = (await listFiles(mirror, sha, signal)).filter(isForgeFile)
        return { sha, files: await readFiles(mirror, sha, paths, signal) }
      },
    )
    const forge = await loadForge({
      list: async () => [...files.keys()],
      read: async (path) => files.get(path) ?? Buffer.alloc(0),
    })
    if (!forge.ok) return { ok: false, message: summary(forge.problems), problems: forge.problems }
    return { ok: true, commitSha: sha, repository: forge.repository, projects: forge.projects }
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
