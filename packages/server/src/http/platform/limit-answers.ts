import type { FastifyInstance } from 'fastify'
import { AppError } from '../../errors.ts'

/** Bytes (API & Operations Reference, "Request Size Limits"). */
const maxAnswerBytes = 50 * 1024 * 1024

/** Refuses to send what is larger than an answer may be; streams, such as logs, have no such limit. */
export function limitAnswers(app: FastifyInstance, maxBytes = maxAnswerBytes): void {
  app.addHook('onSend', async (_request, reply, payload) => {
    // Every character is at least a byte, so most answers need no counting.
    if (typeof payload !== 'string' || payload.length * 3 <= maxBytes) return payload
    if (Buffer.byteLength(payload) <= maxBytes || reply.statusCode >= 400) return payload
    throw new AppError(
      'invalid_request',
      `The answer would be larger than ${maxBytes} bytes: ask for a smaller page with limit and offset`,
      { limit_bytes: maxBytes },
    )
  })
}
