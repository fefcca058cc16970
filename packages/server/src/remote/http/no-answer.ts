/**
 * A server did not answer, or could not just now: it may be asked again. `mayHaveHappened` is false where it
 * is certain that what was asked for was not done.
 */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly mayHaveHappened: boolean

  constructor(message: string, options: { mayHaveHappened: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.mayHaveHappened = options.mayHaveHappened
  }
}
