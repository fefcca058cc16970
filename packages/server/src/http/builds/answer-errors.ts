import type { FastifyInstance } from 'fastify'
import { AppError } from '../../errors.ts'
import { pathOf } from '../redact-url.ts'
import type { RouteList } from '../route-list.ts'
import { toBuildError } from './error-envelope.ts'

/** Gives a part of the application the error bodies of `/api`, also where there is no route. */
export function answerBuildErrors(app: FastifyInstance, routes: RouteList): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, unforeseen } = toBuildError(error, request.id)
    if (unforeseen) {
      request.log.error(
        { err: error, request_id: request.id, method: request.method, path: pathOf(request.url) },
        'A request failed in a way that nobody foresaw',
      )
    }
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
