import type { RunnerApiError } from '@slipway/contract/runner-answers'
import { nameEveryProblem } from '../describe-problems.ts'
import { toErrorAnswer } from '../platform/error-envelope.ts'

/** What an error is to a client of `/api/jobs` and `/api/runners`. */
export interface RunnerErrorAnswer {
  status: number
  body: RunnerApiError
  /** Nobody foresaw it: it belongs into the server's log. */
  unforeseen: boolean
}

/**
 * Turns whatever was thrown into the family's error body. It is judged as in `/v1`, and said
 * differently: every problem of the input in the one message, within the envelope of the family.
 */
export function toRunnerError(
  error: unknown,
  requestId: string,
  about: { version: string; now: Date },
): RunnerErrorAnswer {
  const { status, body, unforeseen } = toErrorAnswer(error, requestId)
  const { code, message, details } = body.error
  const text = unforeseen ? `${message} (${requestId})` : nameEveryProblem(message, details)
  const metadata = { timestamp: about.now.toISOString(), version: about.version }
  return { status, unforeseen, body: { success: false, error: text, code, metadata } }
}
