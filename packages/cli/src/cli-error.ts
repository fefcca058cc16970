import { exitCodes } from './exit-codes.ts'

/** What stops a command for a reason that its user can do something about. */
export class CliError extends Error {
  override readonly name = 'CliError'
  /** The next step, as a sentence or a command. */
  readonly hint: string | undefined
  readonly exitCode: number

  constructor(message: string, hint?: string, exitCode: number = exitCodes.usage) {
    super(message)
    this.hint = hint
    this.exitCode = exitCode
  }
}
