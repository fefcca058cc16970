import { setTimeout as sleep } from 'node:timers/promises'
import type { UnitOfWorkDeps } from '../../db/unit-of-work.ts'
import { AppError } from '../../errors.ts'
import { GitHubError } from '../../ports/github.ts'
import type { GitHubRunners, JitConfiguration } from '../../ports/github-runners.ts'
import type { RequestRunnerConfiguration } from '../deps.ts'
import { explainRefusal, forgetProblem, noteProblem } from './runner-problems.ts'

/** Milliseconds before GitHub is asked again where it did not answer. */
const pausesMs = [500, 2_000]
/** What every job of a self-hosted runner asks for. */
const implied = 'self-hosted'
const mostLabels = 100

/**
 * Registers a runner for one job. Where GitHub refuses, its jobs say why and wait: an `unavailable` with
 * `retry_after_seconds` for what passes, if only by what somebody does; `invalid_request` for what GitHub
 * will never do.
 */
export function createConfigurationRequest(
  deps: UnitOfWorkDeps & { runners: GitHubRunners },
): RequestRunnerConfiguration {
  return async ({ repository, name, labels }, signal) => {
    try {
      const { encoded, runnerId } = await register(
        deps.runners,
        { repository, name, labels },
        signal,
      )
      await forgetProblem(deps, repository)
      return { encodedConfiguration: encoded, githubId: runnerId }
    } catch (error) {
      if (signal.aborted || !(error instanceof GitHubError)) throw error
      const message = explainRefusal(error, repository)
      const { retryAfterMs } = error
      await noteProblem(deps, { repository, message, retryAfterMs })
      if (error.reason === 'invalid') throw new AppError('invalid_request', message)
      const seconds = Math.ceil((retryAfterMs ?? 15_000) / 1_000)
      throw new AppError('unavailable', message, { retry_after_seconds: seconds })
    }
  }
}

async function register(
  runners: GitHubRunners,
  runner: { repository: string; name: string; labels: readonly string[] },
  signal: AbortSignal,
): Promise<JitConfiguration> {
  const { repository, name } = runner
  const has = runner.labels.some((label) => label.toLowerCase() === implied)
  const labels = [...(has ? [] : [implied]), ...runner.labels].slice(0, mostLabels)
  for (let tried = 0; ; tried++) {
    try {
      const made = await runners.createJitConfiguration(repository, { name, labels }, signal)
      if (made !== null) return made
      // Of an attempt before, or of one whose answer was lost: what it is started with nobody can learn.
      await removeNamesake(runners, { repository, name }, signal)
      if (tried >= pausesMs.length) {
        throw new GitHubError('away', `A runner ${name} is there, and cannot be removed`)
      }
    } catch (error) {
      const pauseMs = pausesMs[tried]
      const passes = error instanceof GitHubError && error.reason === 'away'
      if (!passes || pauseMs === undefined) throw error
      await sleep(pauseMs, undefined, { signal })
    }
  }
}

async function removeNamesake(
  runners: GitHubRunners,
  { repository, name }: { repository: string; name: string },
  signal: AbortSignal,
): Promise<void> {
  const found = await runners.findRunner(repository, name, signal)
  if (found === null) return
  const outcome = await runners.deleteRunner(repository, found.id, signal)
  if (outcome === 'busy') {
    throw new GitHubError('away', `The runner ${name} works on a job already`)
  }
}
