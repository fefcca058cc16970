/**
 * Has something outside of the server go through the stages of a run, one after the other: a workflow per run,
 * whose steps dispatch a stage and wait for its end. What a run consists of and what is due is the server's.
 *
 * Lifecycle: `submit` makes a workflow, which ends by itself; its orchestrator removes it some time after.
 * Concurrency: any number of calls at once. `submit` is idempotent by run: of two for one run, on whichever
 * servers, one makes the workflow and both answer it.
 * Failure: `OrchestratorError`, whose message is for people and holds no credential. After one of `submit`
 * nobody knows whether there is a workflow; submitting again is right.
 * A call ends with its signal's reason when that aborts.
 */
export interface Orchestrator {
  readonly name: string
  /** Answers the workflow that is there then, also one that was there before. */
  submit(workflow: NewWorkflow, signal: AbortSignal): Promise<{ uid: string }>
  /** How a workflow stands right now; null: there is none of that name. */
  find(name: string, signal: AbortSignal): Promise<ObservedWorkflow | null>
  /**
   * Tells of all workflows of runs that there are, and then of each change, until `signal` aborts. Several
   * changes of one may be told as one. Never rejects: a connection that is lost is made anew, and what
   * changed meanwhile is told then.
   */
  follow(follower: WorkflowsFollower, signal: AbortSignal): Promise<void>
  /** Stops a workflow and whatever of it runs. One that has ended, is gone or is another one stays as it is. */
  terminate(workflow: { name: string; uid: string }, signal: AbortSignal): Promise<void>
  /** Rejects when workflows could not be submitted; used by health. */
  check(): Promise<void>
}

/** A workflow that is to go through a run. */
export interface NewWorkflow {
  name: string
  runId: string
  /** owner/name. */
  repository: string
  branch: string
  commitSha: string
  triggeredBy: string
}

export interface ObservedWorkflow {
  name: string
  runId: string
  uid: string
  state: 'running' | 'succeeded' | 'failed' | 'error'
  /** Somebody has asked it to stop, or for its deletion. */
  stopping: boolean
  /** What it says of itself. */
  message: string | null
  /** Steps of it that failed. */
  failures: readonly { step: string; message: string }[]
}

export interface WorkflowsFollower {
  /** It is there, or is different from before. */
  changed(workflow: ObservedWorkflow): void
  /** One that was told of is gone. */
  gone(workflow: ObservedWorkflow): void
  /** All that there were have been told. */
  listed(): void
  /** Nothing can be told at the moment. */
  failed(error: unknown): void
}

/**
 * - `away`: it could not be reached, or not do it now; waiting helps.
 * - `refused`: it does not take this, or does not let us; somebody has to do something about it.
 */
export class OrchestratorError extends Error {
  override readonly name = 'OrchestratorError'
  readonly reason: 'away' | 'refused'

  constructor(reason: OrchestratorError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}
