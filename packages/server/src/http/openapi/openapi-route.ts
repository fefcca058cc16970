import type { FastifyPluginAsync } from 'fastify'

/** `/openapi.json`, written when it is first asked for. */
export const openApiRoute: FastifyPluginAsync = async (app) => {
  let text: string | undefined
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    text ??= JSON.stringify(app.swagger())
    return reply.type('application/json; charset=utf-8').send(text)
  })
}
