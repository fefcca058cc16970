/**
 * What is asked of GitHub about its workflows.
 *
 * `repository` is owner/name; a name of before is followed. Concurrency: any number of calls; an adapter
 * lets few through at once. A read may be tried again by the adapter where GitHub did not answer; what
 * changes something never is.
 * Failure: a `GitHubError` of ports/github.ts; an answer that is not whole, or not what GitHub
 * describes, is `away`, and nothing of it is handed on. Every call ends when `signal` aborts, and within
 * a deadline of the adapter's own.
 */
export interface GitHubActions {
  /** What is left of the credential's requests; null: not known, or there is no limit. */
  budget(): RequestBudget | null
  /** Every repository that the credential sees, page by page, those pushed to last first. */
  listRepositories(signal: AbortSignal): AsyncIterable<readonly VisibleRepository[]>
  getRepository(repository: string, signal: AbortSignal): Promise<VisibleRepository>
  /** All of them, at most 1,000. */
  listWorkflows(repository: string, signal: AbortSignal): Promise<Workflow[]>
  /** Whether it has any; costs nothing as long as that does not change. */
  countWorkflows(
    repository: string,
    etag: string | null,
    signal: AbortSignal,
  ): Promise<Conditional<number>>
  /** Newest first. With `etag`, that of the answer to the same query before. */
  listRuns(
    repository: string,
    query: RunsQuery,
    signal: AbortSignal,
  ): Promise<Conditional<RunsPage>>
  getRun(
    repository: string,
    input: { runId: number; etag: string | null },
    signal: AbortSignal,
  ): Promise<Conditional<RunSnapshot>>
  getRunAttempt(
    repository: string,
    input: { runId: number; attempt: number },
    signal: AbortSignal,
  ): Promise<RunSnapshot>
  /** All jobs of an attempt, at most 1,000. */
  listJobs(
    repository: string,
    input: { runId: number; attempt: number; etag: string | null },
    signal: AbortSignal,
  ): Promise<Conditional<JobSnapshot[]>>
  /** All artifacts of a run, at most 1,000. */
  listArtifacts(repository: string, runId: number, signal: AbortSignal): Promise<ArtifactSnapshot[]>
  /**
   * Starts a workflow; each call starts one more, so it is sent once. `missing` where there is no such
   * workflow, `invalid` where it takes no such inputs, has no `workflow_dispatch`, or there is no such ref.
   * Answers the run, or null where GitHub does not say it.
   */
  dispatchWorkflow(
    repository: string,
    dispatch: { workflowId: number; ref: string; inputs: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<DispatchedRun | null>
}

/** `etag` belongs to the question: kept, and sent with the next one like it. Null: there is none. */
export type Conditional<T> = { changed: false } | { changed: true; value: T; etag: string | null }

export interface RequestBudget {
  /** Requests in the hour. */
  limit: number
  remaining: number
  /** When all of them are there again. */
  resetAt: Date
}

export interface VisibleRepository {
  id: number
  /** As GitHub spells it now. */
  fullName: string
  defaultBranch: string
}

export interface Workflow {
  id: number
  name: string
  /** Of its file; of what GitHub itself runs, a name that looks like one. */
  path: string
  /** GitHub's word: `active`, `deleted`, `disabled_manually`… */
  state: string
}

export interface RunsQuery {
  /** 1 to 100. */
  perPage: number
  /** From 1. Default 1. */
  page?: number
  /** Both inclusive, to the second; with them GitHub answers at most 1,000 runs over all pages. */
  created?: { from: Date; to: Date }
  /** Only those of this kind of trigger. */
  event?: string
  etag?: string | null
}

export interface RunsPage {
  /** Of all runs that the query asks for. */
  total: number
  runs: RunSnapshot[]
  /** Whose they are; null where there is none. Another one than asked for where it was renamed. */
  repository: Pick<VisibleRepository, 'id' | 'fullName'> | null
}

export interface DispatchedRun {
  runId: number
  /** The run's page. */
  url: string
}

/** A workflow run in one of its states, as GitHub told of it; from a webhook, a poll or the backfill. */
export interface RunSnapshot {
  id: number
  workflowId: number
  workflowName: string
  /** Of its file, without `@ref`; null where GitHub did not say it. */
  workflowPath: string | null
  runNumber: number
  /** GitHub's `run_attempt`, from 1. */
  attempt: number
  event: string
  /** '' where GitHub has none. */
  branch: string
  commitSha: string
  commitMessage: string
  actor: string
  /** The run's page. */
  url: string
  /** GitHub's words. */
  githubStatus: string
  conclusion: string | null
  createdAt: Date
  /** When this attempt began. */
  runStartedAt: Date
  updatedAt: Date
}

/** A job in one of its states; a job belongs to one attempt of its run. */
export interface JobSnapshot {
  id: number
  runId: number
  attempt: number
  name: string
  githubStatus: string
  conclusion: string | null
  createdAt: Date | null
  startedAt: Date | null
  completedAt: Date | null
  runnerName: string | null
  labels: readonly string[]
  steps: readonly StepSnapshot[]
}

/** As it is stored and shown. Instants as `Date.prototype.toISOString` writes them. */
export interface StepSnapshot {
  /** From 1, in the job. */
  number: number
  name: string
  status: string
  conclusion: string | null
  started_at: string | null
  completed_at: string | null
}

/** As it is stored and shown, but for `expired`, which time may change. */
export interface ArtifactSnapshot {
  id: number
  name: string
  size_in_bytes: number
  expired: boolean
  created_at: string | null
  expires_at: string | null
}
