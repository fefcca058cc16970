import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Listener, listen } from '../../packages/server/src/http/listen.ts'
import { pino } from 'pino'
import { type TestApp, createTestApp } from '../support/http.ts'

let test: TestApp
let listener: Listener
beforeAll(async () => {
  test = await createTestApp()
  const log = pino({ enabled: false })
  listener = await listen({ app: test.app, log }, { host: '127.0.0.1', port: 0, compatPorts: [] })
})
afterAll(async () => {
  await listener.close()
  await test.close()
})

const json = { 'content-type': 'application/json' }

describe('the error body', () => {
  it('has code and message, and details where there is more to say', async () => {
    const answer = await test.request('POST', '/v1/tokens', { body: { name: 'x' } })
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.json()).toEqual({
      error: {
        code: 'invalid_request',
        message: 'The body is not valid: /roles is missing',
        details: { problems: [{ path: '/roles', message: 'is missing' }] },
      },
    })
  })

  it('is 404 where there is nothing, in /v1 and outside', async () => {
    for (const path of ['/v1/nothing', '/nothing', '/v1', '/v1/tokens/', '/V1/tokens']) {
      const answer = await test.request('GET', path, { token: null })
      expect(answer.statusCode, path).toBe(404)
      expect(answer.json(), path).toEqual({
        error: { code: 'resource_not_found', message: `There is nothing at ${path}` },
      })
    }
  })

  it('is 405 with Allow where a path does not answer to the method', async () => {
    const answer = await test.request('PATCH', '/v1/tokens')
    expect(answer.statusCode).toBe(405)
    expect(String(answer.headers['allow']).split(', ').toSorted()).toEqual(['GET', 'HEAD', 'POST'])
    expect(answer.json().error.code).toBe('method_not_allowed')
  })

  it.each(['{', '{"a":1,}', 'null x', '{"__proto__": {"admin": true}}', '\u0000'])(
    'is 400 for the malformed body %j',
    async (body) => {
      const answer = await test.request('POST', '/v1/tokens', { body, headers: json })
      expect(answer.statusCode).toBe(400)
      expect(answer.json().error.code).toBe('invalid_request')
    },
  )

  it.each([undefined, '', 'null'])('is 400 where a body is needed and is %j', async (body) => {
    const answer = await test.request('POST', '/v1/tokens', { body, headers: json })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.code).toBe('invalid_request')
  })

  it.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ])('is 415 for a body of %s', async (type) => {
    const headers = { 'content-type': type }
    const answer = await test.request('POST', '/v1/tokens', { body: '{}', headers })
    expect(answer.statusCode).toBe(415)
    expect(answer.json().error.code).toBe('unsupported_media_type')
  })

  it('is 413 for a body over 10 MB, and not for one below', async () => {
    const body = (bytes: number) => JSON.stringify({ name: 'x'.repeat(bytes) })
    const large = await test.request('POST', '/v1/tokens', {
      body: body(10_485_760),
      headers: json,
    })
    expect(large.statusCode).toBe(413)
    expect(large.json().error.code).toBe('payload_too_large')
    const small = await test.request('POST', '/v1/tokens', {
      body: body(10_000_000),
      headers: json,
    })
    expect(small.statusCode).toBe(400)
  })

  it('is 401 before a body is looked at', async () => {
    const answer = await test.request('POST', '/v1/tokens', {
      body: '{',
      headers: json,
      token: null,
    })
    expect(answer.statusCode).toBe(401)
  })

  it('takes texts as numbers in queries, never in bodies', async () => {
    expect((await test.request('GET', '/v1/tokens?limit=5')).statusCode).toBe(200)
    const answer = await test.request('POST', '/v1/tokens', {
      body: { name: 5, roles: ['viewer'] },
    })
    expect(answer.json().error.details.problems).toEqual([
      { path: '/name', message: 'must be string' },
    ])
  })

  it('stays small and quick, however much is wrong', async () => {
    const roles = Array.from({ length: 500_000 }, (_, index) => index)
    const answer = await test.request('POST', '/v1/tokens', { body: { name: 'x', roles } })
    expect(answer.statusCode).toBe(400)
    expect(answer.body.length).toBeLessThan(10_000)
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`k${index}`, 1]))
    const unknown = await test.request('POST', '/v1/tokens', { body: many })
    expect(unknown.json().error.details.problems).toHaveLength(100)
  })

  it('is 400 for a path that is not validly encoded', async () => {
    const answer = await test.request('DELETE', '/v1/tokens/%zz')
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.code).toBe('invalid_request')
  })

  it('is 500 with the request id and nothing else for what nobody foresaw', async () => {
    const own = await createTestApp()
    try {
      await own.database.pool.query('drop table tickets')
      const answer = await own.request('POST', '/v1/tickets', {
        headers: { 'x-request-id': 'r-3' },
      })
      expect(answer.statusCode).toBe(500)
      expect(answer.json()).toEqual({
        error: {
          code: 'internal_error',
          message: 'Something went wrong on our side',
          details: { request_id: 'r-3' },
        },
      })
      const line = own.logged.find((text) => text.includes('nobody foresaw'))
      expect(JSON.parse(line ?? '{}')).toMatchObject({
        request_id: 'r-3',
        err: { message: expect.stringContaining('tickets') },
      })
    } finally {
      await own.close()
    }
  })

  it('answers what is no HTTP', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(listener.port, '127.0.0.1', () => socket.write('HELLO\r\n\r\n'))
      let received = ''
      socket.on('data', (chunk) => (received += chunk.toString()))
      socket.on('end', () => resolve(received)).on('error', reject)
    })
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request/)
    expect(text).toContain('"code":"invalid_request"')
  })

  it('answers headers that are too large with 431', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'x-large': 'x'.repeat(20_000) }
      httpRequest({ port: listener.port, host: '127.0.0.1', headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(431)
  })
})

describe('every answer', () => {
  it.each(['/livez', '/nothing', '/v1/tokens'])(
    'of %s carries the headers of safety',
    async (path) => {
      const { headers } = await test.request('GET', path)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      })
    },
  )

  it('carries the request id it was given, or one of its own', async () => {
    const given = await test.request('GET', '/livez', { headers: { 'x-request-id': 'abc-1.2:3' } })
    expect(given.headers['x-request-id']).toBe('abc-1.2:3')
    for (const bad of ['a b', 'x'.repeat(129), '<script>', '']) {
      const { headers } = await test.request('GET', '/livez', { headers: { 'x-request-id': bad } })
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it('is logged without what is secret in its URL', async () => {
    await test.request('GET', '/v1/tokens?ticket=SECRET1&signature=SECRET2', { token: 'SECRET3' })
    const lines = test.logged.join('')
    expect(lines).toContain('"path":"/v1/tokens"')
    expect(lines).not.toMatch(/SECRET/)
  })
})

describe('rate limits', () => {
  let own: TestApp | undefined
  afterEach(async () => {
    await own?.close()
    own = undefined
  })
  const limits = { windowMs: 60_000, perPrincipal: 3, failedPerAddress: 2 }

  it('says in every answer what is left', async () => {
    own = await createTestApp({ rateLimits: limits })
    const before = Math.floor(Date.now() / 1000)
    const { headers } = await own.request('GET', '/v1/tokens')
    expect(headers).toMatchObject({ 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': '2' })
    const reset = Number(headers['x-ratelimit-reset'])
    expect(reset).toBeGreaterThanOrEqual(before + 59)
    expect(reset).toBeLessThanOrEqual(before + 70)
    expect((await own.request('GET', '/v1/tokens')).headers['x-ratelimit-remaining']).toBe('1')
  })

  it('is 429 with Retry-After for one request too many, of this principal only', async () => {
    own = await createTestApp({ rateLimits: limits })
    const other = await own.tokenFor(['admin'])
    for (let n = 0; n < 2; n++) await own.request('GET', '/v1/tokens')
    const answer = await own.request('GET', '/v1/tokens')
    expect(answer.statusCode).toBe(429)
    expect(answer.json().error.code).toBe('limit_exceeded')
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.headers['x-ratelimit-remaining']).toBe('0')
    expect((await own.request('GET', '/v1/tokens', { token: other })).statusCode).toBe(200)
  })

  it('counts requests that were refused', async () => {
    own = await createTestApp({ rateLimits: limits })
    const token = await own.tokenFor(['viewer'])
    const statuses: number[] = []
    for (let n = 0; n < 4; n++)
      statuses.push((await own.request('GET', '/v1/tokens', { token })).statusCode)
    expect(statuses).toEqual([403, 403, 403, 429])
  })

  it('does not apply to service accounts', async () => {
    own = await createTestApp({ rateLimits: limits })
    const token = await own.tokenFor(['service-account'])
    for (let n = 0; n < 5; n++) {
      const answer = await own.request('POST', '/v1/tickets', { token })
      expect(answer.statusCode).toBe(201)
      expect(answer.headers['x-ratelimit-limit']).toBeUndefined()
    }
  })

  it('counts failed authentications per address, and lets a valid token of it through', async () => {
    own = await createTestApp({ rateLimits: limits, trustProxy: true })
    const statuses: number[] = []
    const from = (address: string) => ({ 'x-forwarded-for': address })
    for (let n = 0; n < 3; n++) {
      const answer = await own.request('GET', '/v1/tokens', {
        token: 'wrong',
        headers: from('203.0.113.1'),
      })
      statuses.push(answer.statusCode)
    }
    expect(statuses).toEqual([401, 401, 429])
    const elsewhere = await own.request('GET', '/v1/tokens', {
      token: 'wrong',
      headers: from('203.0.113.2'),
    })
    expect(elsewhere.statusCode).toBe(401)
    const valid = await own.request('GET', '/v1/tokens', { headers: from('203.0.113.1') })
    expect(valid.statusCode).toBe(200)
  })

  it('leaves health and documentation alone', async () => {
    own = await createTestApp({ rateLimits: limits })
    for (let n = 0; n < 5; n++) {
      expect((await own.request('GET', '/livez', { token: null })).statusCode).toBe(200)
    }
  })
})
