import type { FastifyInstance } from 'fastify'
import { toErrorAnswer } from '../platform/error-envelope.ts'
import { type OciErrorCode, OciRefusal } from './refusal.ts'

/** What a refusal of the rest of the application is to a client of the protocol. */
const codes: Readonly<Record<string, OciErrorCode>> = {
  authentication_failed: 'UNAUTHORIZED',
  authorization_failed: 'DENIED',
  limit_exceeded: 'TOOMANYREQUESTS',
  method_not_allowed: 'UNSUPPORTED',
  resource_not_found: 'NAME_UNKNOWN',
}

/** Gives a part of the application the error bodies of the OCI Distribution Specification 1.1. */
export function answerInOci(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, code, message, detail } =
      error instanceof OciRefusal ? error : toRefusal(error, request.id)
    if (status >= 500) {
      const { id: request_id, method } = request
      request.log.error({ err: error, request_id, method }, 'A request of an OCI client failed')
    }
    // An answer had begun to be one of another kind.
    void reply.removeHeader('docker-content-digest').removeHeader('content-length')
    return reply
      .code(status)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ errors: [{ code, message, detail }] }))
  })
  app.setNotFoundHandler(() => {
    throw new OciRefusal(404, 'UNSUPPORTED', 'There is no such endpoint')
  })
}

function toRefusal(error: unknown, requestId: string) {
  const { status, body } = toErrorAnswer(error, requestId)
  const { code, message, details } = body.error
  return { status, code: codes[code] ?? 'UNKNOWN', message, detail: details ?? null }
}
