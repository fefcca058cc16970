import type { FastifyInstance } from 'fastify'
import { toErrorAnswer } from '../platform/error-envelope.ts'

/** Gives a part of the application errors in plain text, which git shows to whoever runs it. */
export function answerInText(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, unforeseen } = toErrorAnswer(error, request.id)
    if (unforeseen) {
      const { id: request_id, method } = request
      request.log.error({ err: error, request_id, method }, 'A request of git failed')
    }
    return reply.code(status).type('text/plain; charset=utf-8').send(`${body.error.message}\n`)
  })
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .type('text/plain; charset=utf-8')
      .send('There is one repository here, gitops.git, and it can only be read\n'),
  )
}
