import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import { pathOf } from './redact-url.ts'

/** What an error is to a client of a family. */
interface FamilyAnswer {
  status: number
  body: object
  /** Nobody foresaw it: it belongs into the server's log. */
  unforeseen: boolean
}

/** A family's error envelope. */
export type ToAnswer = (error: unknown, requestId: string) => FamilyAnswer

/** Answers with the error's body; what nobody foresaw goes to the log, and only there. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  toAnswer: ToAnswer,
): FastifyReply {
  const { status, body, unforeseen } = toAnswer(error, request.id)
  if (unforeseen) {
    request.log.error(
      { err: error, request_id: request.id, method: request.method, path: pathOf(request.url) },
      'A request failed in a way that nobody foresaw',
    )
  }
  const wait = error instanceof AppError ? error.details?.['retry_after_seconds'] : undefined
  if (typeof wait === 'number') void reply.header('retry-after', wait)
  return (
    reply
      .code(status)
      .type('application/json; charset=utf-8')
      // A route may have declared another body for this status.
      .serializer((payload: string) => payload)
      .send(JSON.stringify(body))
  )
}
