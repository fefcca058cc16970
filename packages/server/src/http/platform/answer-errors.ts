import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { pathOf } from '../redact-url.ts'
import type { RouteList } from '../route-list.ts'
import { sendError } from '../send-error.ts'
import { toErrorAnswer } from './error-envelope.ts'

/**
 * Gives a part of the application the error bodies of `/v1`, also where there is no route. `showPage` may
 * answer what is at no path otherwise; it says whether it has.
 */
export function answerErrors(
  app: FastifyInstance,
  routes: RouteList,
  showPage: (what: {
    request: FastifyRequest
    reply: FastifyReply
    path: string
  }) => boolean = () => false,
): void {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, toErrorAnswer))
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url)
    const methods = routes.methodsAt(path)
    if (methods.length === 0) {
      if (showPage({ request, reply, path })) return
      throw new AppError('resource_not_found', `There is nothing at ${path}`)
    }
    void reply.header('allow', methods.join(', '))
    throw new AppError('method_not_allowed', `${path} does not answer to ${request.method}`, {
      allowed: methods,
    })
  })
}
