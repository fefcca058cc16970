import { STATUS_CODES } from 'node:http'
import type { StatusError } from '@slipway/contract/pipelines'
import { nameEveryProblem } from '../describe-problems.ts'
import { toErrorAnswer } from '../platform/error-envelope.ts'

/** What an error is to a client of `/api/v2/pipelines`. */
export interface StatusErrorAnswer {
  status: number
  body: StatusError
  /** Nobody foresaw it: it belongs into the server's log. */
  unforeseen: boolean
}

/**
 * Turns whatever was thrown into the family's error body. It is judged as in `/v1`, and said
 * differently: the status in HTTP's words, and what is wrong, all of it, in one text.
 */
export function toStatusError(error: unknown, requestId: string): StatusErrorAnswer {
  const { status, body, unforeseen } = toErrorAnswer(error, requestId)
  const { message, details } = body.error
  const text = unforeseen ? `${message} (${requestId})` : nameEveryProblem(message, details)
  return { status, unforeseen, body: { error: STATUS_CODES[status] ?? 'Error', details: text } }
}
