import type { FastifyInstance } from 'fastify'
import { AppError } from '../errors.ts'
import { pathOf } from './redact-url.ts'
import type { RouteList } from './route-list.ts'

/** What an error is to a client of a family. */
interface FamilyAnswer {
  status: number
  body: object
  /** Nobody foresaw it: it belongs into the server's log. */
  unforeseen: boolean
}

/** Gives a part of the application the error bodies of its family, also where there is no route. */
export function answerFamilyErrors(
  app: FastifyInstance,
  routes: RouteList,
  toAnswer: (error: unknown, requestId: string) => FamilyAnswer,
): void {
  app.setErrorHandler((error, request, reply) => {
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
  })
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url)
    const methods = routes.methodsAt(path)
    if (methods.length === 0) {
      throw new AppError('resource_not_found', `There is nothing at ${path}`)
    }
    void reply.header('allow', methods.join(', '))
    throw new AppError('method_not_allowed', `${path} does not answer to ${request.method}`)
  })
}
