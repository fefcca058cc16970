import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { listWatched, type WorkflowDeliveries } from '../monitor/index.ts'
import type { RequestBudget } from '../ports/github-actions.ts'
import type { GitHubRunners } from '../ports/github-runners.ts'
import type { Resources } from '../resources.ts'
import {
  createConfigurationRequest,
  createRunnerRemoval,
  type RequestRunnerConfiguration,
  type RunnersDeps,
  startKeepingQueue,
  takeWorkflowDeliveries,
} from '../runners/index.ts'

/** Milliseconds between two looks at the queue of a repository with jobs of ours. */
const pollMs = 15_000
/** The server itself: it sees every repository. */
const ourselves = { id: 'slipway', name: 'slipway', roles: [], repositories: null }

/** What is asked of GitHub for the room of runners; null: there is nothing to ask it with. */
export function openRunnerRegistration(
  unitOfWork: UnitOfWorkDeps,
  runners: GitHubRunners | null,
): {
  requestRunnerConfiguration: RequestRunnerConfiguration | null
  removeGithubRunner: RunnersDeps['removeGithubRunner']
} {
  if (runners === null) return { requestRunnerConfiguration: null, removeGithubRunner: null }
  return {
    requestRunnerConfiguration: createConfigurationRequest({ ...unitOfWork, runners }),
    removeGithubRunner: createRunnerRemoval({ runners }),
  }
}

/**
 * GitHub's queue of jobs, where runner classes are configured and GitHub can be asked for runners: `workflows`
 * hears of it by the webhook, and `start` begins to ask GitHub without being asked.
 */
export function openGithubQueue(
  config: Config,
  log: Logger,
  opened: {
    runners: RunnersDeps
    /** Id of this process's worker. */
    holder: string
    /** Null: GitHub cannot be asked. */
    octokit: { runners: GitHubRunners; actions: { budget(): RequestBudget | null } } | null
    /** Who else is told of workflows; null: nobody. */
    workflows: WorkflowDeliveries | null
  },
  resources: Resources,
): { workflows: WorkflowDeliveries | null; start(): void } {
  const { runners, holder, octokit, workflows } = opened
  if (config.runnerClasses.length === 0) return { workflows, start() {} }
  log.info(
    {
      classes: config.runnerClasses.map(({ name }) => name),
      queue: octokit === null ? 'off: neither GITHUB_TOKEN nor a GitHub App is set' : 'on',
    },
    'runners for GitHub Actions',
  )
  // Nobody could register a runner for what is queued: it is left to whoever else runs it.
  if (octokit === null) return { workflows, start() {} }
  return {
    workflows: takeWorkflowDeliveries(runners, workflows),
    start() {
      const keeping = startKeepingQueue({
        ...runners,
        holder,
        runners: octokit.runners,
        budget: () => octokit.actions.budget(),
        async listRepositories() {
          const watched = await listWatched(runners, { principal: ourselves })
          return watched.map(({ fullName }) => fullName)
        },
        pollMs,
      })
      resources.add('github runner queue', keeping, (started) => started.close())
    },
  }
}
