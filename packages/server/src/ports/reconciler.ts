/**
 * Says whether what was committed to the GitOps repository runs.
 *
 * Lifecycle: none; a reconciler is asked, and holds nothing between two questions.
 * Concurrency: any number of questions at once.
 * Failure: what can't be told is an answer with a reason, never a rejection; it is asked again later.
 * A question ends when `signal` aborts.
 */
export interface Reconciler {
  readonly name: string
  check(deployment: ReconciledDeployment, signal: AbortSignal): Promise<Reconciliation>
}

export interface ReconciledDeployment {
  id: string
  environment: string
  /** owner/name. */
  repository: string
  project: string
  /** Full name of the commit in the GitOps repository. */
  gitopsCommitSha: string
}

/** `reason`: why not yet, for people, without any credential. */
export type Reconciliation = { reconciled: true } | { reconciled: false; reason: string }
