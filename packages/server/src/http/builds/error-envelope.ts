import {
  type BuildApiError,
  type BuildErrorType,
  buildErrorTypes,
} from '@slipway/contract/build-errors'
import type { ErrorCode } from '@slipway/contract/errors'
import { nameEveryProblem } from '../describe-problems.ts'
import { toErrorAnswer } from '../platform/error-envelope.ts'

/** What an error is to a client of `/api`. */
export interface BuildErrorAnswer {
  status: number
  body: BuildApiError
  /** Nobody foresaw it: it belongs into the server's log. */
  unforeseen: boolean
}

/**
 * Turns whatever was thrown into the family's error body. It is judged as in `/v1`, and said
 * differently: the kind of error in words, and every problem of the input in the one message.
 */
export function toBuildError(error: unknown, requestId: string): BuildErrorAnswer {
  const { status, body, unforeseen } = toErrorAnswer(error, requestId)
  const { code, message, details } = body.error
  if (unforeseen) {
    const type = isDatabaseError(error) ? 'Database error' : buildErrorTypes.internal_error
    return { status, unforeseen, body: { error: type, message: `${message} (${requestId})` } }
  }
  const told = Object.entries(typesByDetail).find(([detail]) => details?.[detail] === true)
  const type = told?.[1] ?? buildErrorTypes[code as ErrorCode]
  return { status, unforeseen, body: { error: type, message: nameEveryProblem(message, details) } }
}

/** Kinds of errors that the family tells apart and their code does not, by what says so in the details. */
const typesByDetail: Readonly<Record<string, BuildErrorType>> = {
  in_use: 'Resource in use',
  changed: 'Resource changed',
  execution: 'Execution error',
  download: 'Download error',
}

/** PostgreSQL's own, by its SQLSTATE, or a connection that broke. */
function isDatabaseError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    // Those of Node.js have no digit: EPIPE, EPERM, EROFS.
    /^((?=.*[0-9])[0-9A-Z]{5}|ECONNREFUSED|ECONNRESET)$/.test(error.code)
  )
}
