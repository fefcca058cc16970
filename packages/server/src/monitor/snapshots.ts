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
