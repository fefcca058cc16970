import { AppError } from '../../errors.ts'
import { GitHubError } from '../../ports/github.ts'
import type { GitHubRunners } from '../../ports/github-runners.ts'
import type { RunnersDeps } from '../deps.ts'

/** Milliseconds that whoever removes a runner waits for GitHub. */
const deadlineMs = 20_000

/**
 * Takes a runner off GitHub's list; one that is gone is fine. `resource_conflict` while it works on a job,
 * `unavailable` where GitHub does not do it.
 */
export function createRunnerRemoval({
  runners,
}: {
  runners: GitHubRunners
}): NonNullable<RunnersDeps['removeGithubRunner']> {
  return async ({ repository, githubId }) => {
    const signal = AbortSignal.timeout(deadlineMs)
    const outcome = await runners
      .deleteRunner(repository, githubId, signal)
      .catch((error: unknown) => {
        if (error instanceof GitHubError) throw new AppError('unavailable', error.message)
        if (signal.aborted) throw new AppError('unavailable', 'GitHub does not answer')
        throw error
      })
    if (outcome === 'busy') {
      throw new AppError('resource_conflict', 'The runner works on a job at GitHub')
    }
  }
}
