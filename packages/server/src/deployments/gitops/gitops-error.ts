/** A commit that did not get into the GitOps repository, in words for whoever deploys. */
export class GitOpsError extends Error {
  override readonly name = 'GitOpsError'
  /** True: the remote was sent the commit and has not said what became of it. */
  readonly mayHaveArrived: boolean

  constructor(message: string, options: { mayHaveArrived?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.mayHaveArrived = options.mayHaveArrived ?? false
  }
}
