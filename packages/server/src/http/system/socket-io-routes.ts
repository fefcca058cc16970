import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyPluginAsync } from 'fastify'
import { AppError } from '../../errors.ts'

/** Answers a request of a polling client of socket.io, whose body has not been read. */
export type AnswerPolling = (request: IncomingMessage, response: ServerResponse) => void

/**
 * `/socket.io`: requests of clients that poll, as those of socket.io do before they have a WebSocket. Who
 * they are is said within, so that these routes are open to everybody; what comes without a connection
 * is refused there, too. Null: there are no sockets here.
 */
export function socketIoRoutes(answer: AnswerPolling | null): FastifyPluginAsync {
  return async (app) => {
    // Bodies are the protocol's own: left unread, whatever they call themselves.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _body, done) => done(null))
    for (const url of ['/socket.io', '/socket.io/']) {
      app.route({
        method: ['GET', 'POST'],
        url,
        schema: { hide: true },
        handler: async (request, reply) => {
          if (answer === null) throw new AppError('unavailable', 'There are no sockets here')
          for (const [name, value] of Object.entries(reply.getHeaders())) {
            if (value !== undefined) reply.raw.setHeader(name, value)
          }
          reply.hijack()
          answer(request.raw, reply.raw)
        },
      })
    }
  }
}
