import { RunnerApiError } from '@slipway/contract/runner-answers'
import Value from 'typebox/value'
import { afterEach, describe, expect, it } from 'vitest'
import { createRunnersApp, type RunnersApp } from '../support/runners-app.ts'

let test: RunnersApp
afterEach(() => test.close())

const limited = (max: number, windowMs = 900_000) =>
  createRunnersApp({}, { runnerRateLimit: { max, windowMs } })
const limitsOf = ({ headers }: { headers: Record<string, unknown> }) => [
  headers['x-ratelimit-limit'],
  headers['x-ratelimit-remaining'],
]

describe('every answer of the family', () => {
  it.each([
    ['GET', '/api/jobs/nothing/here', 404],
    ['GET', '/api/runners/550e8400-e29b-41d4-a716-446655440000', 404],
    ['DELETE', '/api/jobs/delegate', 405],
    ['GET', '/api/jobs/%zz', 400],
    ['GET', '/api/runners/1', 400],
  ] as const)('%s %s: %i in the envelope', async (method, url, status) => {
    test = await createRunnersApp()
    const answer = await test.request(method, url)
    expect(answer.statusCode, answer.body).toBe(status)
    expect(Value.Check(RunnerApiError, answer.json())).toBe(true)
    expect(answer.json().metadata.version).toBe('0.0.0')
  })

  it('has the envelope also where something breaks, and says nothing of it', async () => {
    test = await createRunnersApp()
    await test.database.pool.query('alter table runners rename to elsewhere')
    const answer = await test.request('GET', '/api/runners')
    await test.database.pool.query('alter table elsewhere rename to runners')
    expect(answer.statusCode).toBe(500)
    expect(Value.Check(RunnerApiError, answer.json())).toBe(true)
    expect(answer.body).not.toContain('runners')
    const body = '{"jobId":'
    const headers = { 'content-type': 'application/json' }
    const broken = await test.request('POST', '/api/jobs/delegate', { body, headers })
    expect([broken.statusCode, broken.json().error]).toEqual([400, 'The body is not valid JSON'])
  })

  it('says how many requests the address may still make, whoever asks and however it ends', async () => {
    test = await limited(100)
    const before = Date.now()
    const answers = [
      await test.request('GET', '/api/jobs'),
      await test.request('GET', '/api/runners', { token: await test.tokenFor(['viewer']) }),
      await test.request('GET', '/api/jobs', { token: null }),
      await test.request('GET', '/api/jobs', { token: 'slw_wrong' }),
      await test.request('GET', '/api/jobs?limit=1000'),
      await test.request('GET', '/api/jobs/1'),
      await test.request('GET', '/api/jobs/nothing/here'),
      await test.request('POST', '/api/jobs/delegate', { body: {} }),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([
      200, 200, 401, 401, 400, 400, 404, 400,
    ])
    expect(answers.map(limitsOf)).toEqual(answers.map((_, index) => ['100', String(99 - index)]))
    for (const { headers } of answers) {
      const reset = Number(headers['x-ratelimit-reset']) * 1_000
      expect(reset).toBeGreaterThan(before)
      expect(reset).toBeLessThanOrEqual(Date.now() + 901_000)
    }
  })

  it('is a 429 after the last one, for this family alone and not for service accounts', async () => {
    test = await limited(2)
    await test.request('GET', '/api/jobs')
    await test.request('GET', '/api/runners')
    const refused = await test.request('GET', '/api/jobs')
    expect(refused.statusCode).toBe(429)
    expect(Value.Check(RunnerApiError, refused.json())).toBe(true)
    expect(refused.json()).toMatchObject({ success: false, code: 'limit_exceeded' })
    expect(limitsOf(refused)).toEqual(['2', '0'])
    expect(refused.headers['retry-after']).toBeDefined()
    expect((await test.request('GET', '/api/jobs', { token: null })).statusCode).toBe(429)
    expect((await test.request('GET', '/api/jobs/nothing')).statusCode).toBe(429)
    const token = test.serviceToken
    for (const _ of [1, 2, 3]) {
      expect((await test.request('GET', '/api/jobs', { token })).statusCode).toBe(200)
    }
    expect((await test.request('GET', '/health', { token: null })).statusCode).toBe(200)
    expect((await test.request('GET', '/api/metrics')).statusCode).toBe(200)
    expect((await test.request('GET', '/v1/tokens')).statusCode).toBe(200)
  })
})
