import type { Log } from '../db/log.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { EventFeed } from '../events/index.ts'
import type { LogStore } from '../logs/index.ts'
import type { RunnerClass } from './runner-class.ts'

/** What the functions of this room need, all together. */
export interface RunnersDeps extends UnitOfWorkDeps {
  log: Log
  /** Tells whoever works on these jobs to stop; the ledger already says so. */
  stopJobs: (jobIds: readonly string[]) => void
  feed: EventFeed
  logs: LogStore
  /** Those there are, as configured. */
  classes: readonly RunnerClass[]
  /** Whose the containers are: label `io.slipway.owner`. */
  owner: string
  /** A job is queued or has left its place: looks whether another can begin. Never throws. */
  wakeDispatch: () => void
  /** Asks GitHub for a single-use configuration; null: there is nothing to ask GitHub with. */
  requestRunnerConfiguration: RequestRunnerConfiguration | null
  /** Ends a container that idles for the steps of a proxy's job; null: nobody here can. Best effort. */
  stopContainer: ((containerId: string) => Promise<void>) | null
  /** Takes a runner out of GitHub's list; null: there is nothing to ask GitHub with. */
  removeGithubRunner: ((runner: { repository: string; githubId: number }) => Promise<void>) | null
}

/**
 * Registers a runner of this name with these labels for one job of the repository. An AppError says why
 * GitHub does not; what passes is `unavailable`.
 */
export type RequestRunnerConfiguration = (
  input: { delegationId: string; repository: string; name: string; labels: readonly string[] },
  signal: AbortSignal,
) => Promise<{
  /** What `ACTIONS_RUNNER_INPUT_JITCONFIG` takes; a secret. */
  encodedConfiguration: string
  /** GitHub's id of the runner. */
  githubId: number
}>
