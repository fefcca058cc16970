import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { toErrorAnswer } from './error-envelope.ts'
import { limitAnswers } from './limit-answers.ts'

it('refuses an answer that is too large, and says to page', async () => {
  const app = Fastify()
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = toErrorAnswer(error, request.id)
    return reply.code(status).send(body)
  })
  limitAnswers(app, 100)
  app.get<{ Querystring: { text: string } }>('/', async ({ query }) => ({ text: query.text }))
  const answer = async (text: string) => app.inject({ path: '/', query: { text } })
  expect((await answer('a'.repeat(89))).statusCode).toBe(200)
  for (const text of ['a'.repeat(90), 'ä'.repeat(45)]) {
    const refused = await answer(text)
    expect(refused.statusCode).toBe(400)
    expect(refused.json()).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringContaining('limit and offset') },
    })
  }
})
