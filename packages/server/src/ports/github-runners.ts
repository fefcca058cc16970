import type { Conditional } from './github-actions.ts'

/**
 * What is asked of GitHub about self-hosted runners of repositories, and the jobs that wait for them.
 *
 * `repository` is owner/name; a name of before is followed. Concurrency: any number of calls; an adapter
 * lets few through at once. A read may be tried again by the adapter where GitHub did not answer; what
 * changes something never is.
 * Failure: a `GitHubError` of ports/github.ts, whose message holds neither a credential nor a runner's
 * configuration; an answer that is not whole, or not what GitHub describes, is `away`. Every call ends
 * when `signal` aborts, and within a deadline of the adapter's own.
 */
export interface GitHubRunners {
  /** Runs in this state, newest first, at most 300. With `etag`, that of the answer before. */
  listRuns(
    repository: string,
    query: { status: UnfinishedStatus; etag: string | null },
    signal: AbortSignal,
  ): Promise<Conditional<UnfinishedRun[]>>
  /** All jobs of an attempt of a run, at most 1,000. */
  listJobs(
    repository: string,
    query: { runId: number; attempt: number; etag: string | null },
    signal: AbortSignal,
  ): Promise<Conditional<QueueJob[]>>
  /** Null: there is no such job. */
  getJob(repository: string, jobId: number, signal: AbortSignal): Promise<QueueJob | null>
  /**
   * Registers a runner that takes exactly one job, and answers what it is started with: a secret that
   * GitHub says once. Null where a runner is called so already.
   */
  createJitConfiguration(
    repository: string,
    runner: { name: string; labels: readonly string[] },
    signal: AbortSignal,
  ): Promise<JitConfiguration | null>
  /** Those registered at the repository itself, at most 1,000. */
  listRunners(
    repository: string,
    etag: string | null,
    signal: AbortSignal,
  ): Promise<Conditional<GitHubRunner[]>>
  findRunner(repository: string, name: string, signal: AbortSignal): Promise<GitHubRunner | null>
  /** Takes a runner off GitHub's list. `busy`: it works on a job, and stays. */
  deleteRunner(
    repository: string,
    runnerId: number,
    signal: AbortSignal,
  ): Promise<'deleted' | 'gone' | 'busy'>
}

export type UnfinishedStatus = 'queued' | 'in_progress' | 'waiting'

/** A run that has not ended, as far as its jobs are looked for. */
export interface UnfinishedRun {
  id: number
  /** From 1. */
  attempt: number
  event: string
  actor: string
}

/** A job, as far as runners are concerned. */
export interface QueueJob {
  id: number
  runId: number
  /** From 1. */
  attempt: number
  name: string
  /** `waiting`: it is not to be run yet. */
  state: QueueState
  conclusion: string | null
  /** When GitHub queued it; null where it does not say. */
  queuedAt: Date | null
  /** Who took it; null while nobody has. */
  runnerName: string | null
  labels: readonly string[]
  /** '' where GitHub does not say it. */
  workflow: string
  sha: string
  branch: string
}

/** In the order in which they follow each other. */
export const queueStates = ['waiting', 'queued', 'in_progress', 'completed'] as const
export type QueueState = (typeof queueStates)[number]

export interface JitConfiguration {
  /** For `ACTIONS_RUNNER_INPUT_JITCONFIG`; whoever has it is the runner. */
  encoded: string
  runnerId: number
}

export interface GitHubRunner {
  id: number
  name: string
  online: boolean
  /** Whether it works on a job. */
  busy: boolean
  labels: readonly string[]
}
