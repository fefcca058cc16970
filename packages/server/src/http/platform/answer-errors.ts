import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { pathOf } from '../redact-url.ts'
import type { RouteList } from '../route-list.ts'
import { toErrorAnswer } from './error-envelope.ts'

/** Gives a part of the application the error bodies of `/v1`, also where there is no route. */
export function answerErrors(app: FastifyInstance, routes: RouteList): void {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url)
    const methods = routes.methodsAt(path)
    if (methods.length === 0) {
      throw new AppError('resource_not_found', `There is nothing at ${path}`)
    }
    void reply.header('allow', methods.join(', '))
    throw new AppError('method_not_allowed', `${path} does not answer to ${request.method}`, {
      allowed: methods,
    })
  })
}

/** Answers with the error's body; what nobody foresaw goes to the log, and only there. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, body, unforeseen } = toErrorAnswer(error, request.id)
  if (unforeseen) {
    const { method, url } = request
    request.log.error(
      { err: error, request_id: request.id, method, path: pathOf(url) },
      'A request failed in a way that nobody foresaw',
    )
  }
  // Serialised here: a route may have declared another body for this status.
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .serializer((payload: string) => payload)
    .send(JSON.stringify(body))
}
