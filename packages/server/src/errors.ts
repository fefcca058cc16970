import type { ErrorCode } from '@slipway/contract/errors'
import { errorCodes } from '@slipway/contract/vocabulary'

/**
 * The one error that domain code throws on purpose. Its message is shown to the
 * client; any other error reaches a client only as `internal_error`.
 */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, details?: Record<string, unknown>) {
    super(message)
    this.code = code
    this.details = details
  }

  /** The HTTP status that the code stands for. */
  get status(): number {
    return errorCodes[this.code]
  }
}

/** Why the program can't start, in words for the operator: shown without a stack, then the program ends. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
}
