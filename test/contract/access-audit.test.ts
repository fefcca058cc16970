import type { AuditEntry, CreatedToken, ListAuditResponse } from '@slipway/contract/access'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type TestApp, createTestApp } from '../support/http.ts'

let test: TestApp
beforeEach(async () => void (test = await createTestApp()))
afterEach(() => test.close())

async function entries(query = ''): Promise<AuditEntry[]> {
  const answer = await test.request('GET', `/v1/audit${query}`)
  expect(answer.statusCode).toBe(200)
  return answer.json<ListAuditResponse>().entries
}

describe('the audit log', () => {
  it('says who did what, on what, from where, how it ended, and under which request id', async () => {
    const body = { name: 'ci', roles: ['viewer'] }
    const made = await test.request('POST', '/v1/tokens', {
      body,
      headers: { 'x-request-id': 'r-1' },
    })
    const { id } = made.json<CreatedToken>()
    await test.request('DELETE', `/v1/tokens/${id}?signature=SECRET&ticket=SECRET`)
    const [revoked, created, ...rest] = await entries()
    expect(rest).toEqual([])
    expect(created).toEqual({
      id: 1,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      actor: 'admin',
      action: 'POST /v1/tokens',
      resource: '/v1/tokens',
      address: '127.0.0.1',
      outcome: 201,
      request_id: 'r-1',
    })
    expect(revoked).toMatchObject({
      action: 'DELETE /v1/tokens/:id',
      resource: `/v1/tokens/${id}`,
      outcome: 204,
    })
    expect(JSON.stringify(await entries())).not.toContain('SECRET')
  })

  it('has an entry before its answer has left', async () => {
    await test.request('POST', '/v1/tickets')
    const { rows } = await test.database.pool.query('select actor, outcome from audit_log')
    expect(rows).toEqual([{ actor: 'admin', outcome: 201 }])
  })

  it('has what was refused: without a token, without the right, with a wrong body', async () => {
    const viewer = await test.tokenFor(['viewer'])
    await test.request('POST', '/v1/tokens', { body: {}, token: null })
    await test.request('POST', '/v1/tokens', { body: {}, token: viewer })
    await test.request('POST', '/v1/tokens', { body: {} })
    const outcomes = (await entries()).map(({ actor, outcome }) => [actor, outcome])
    expect(outcomes).toEqual([
      ['admin', 400],
      ['token 1', 403],
      ['anonymous', 401],
      ['admin', 201],
    ])
  })

  it('has nothing of reading, nor of what is over the limit', async () => {
    const limits = { windowMs: 60_000, perPrincipal: 100, failedPerAddress: 1 }
    const own = await createTestApp({ rateLimits: limits })
    try {
      await own.request('GET', '/v1/tokens')
      for (let n = 0; n < 3; n++) await own.request('POST', '/v1/tickets', { token: null })
      const { rows } = await own.database.pool.query('select outcome from audit_log')
      expect(rows).toEqual([{ outcome: 401 }])
    } finally {
      await own.close()
    }
  })

  it('has a little of what an address tries without a valid token, however often it tries', async () => {
    const own = await createTestApp({ trustProxy: true })
    try {
      const from = (address: string) =>
        own.request('POST', '/v1/runs', {
          token: 'wrong',
          headers: { 'x-forwarded-for': address },
        })
      for (let n = 0; n < 20; n++) expect((await from('203.0.113.1')).statusCode).toBe(401)
      await from('203.0.113.2')
      await own.request('POST', '/v1/tickets', { headers: { 'x-forwarded-for': '203.0.113.1' } })
      const { rows } = await own.database.pool.query(
        'select address, outcome, count(*)::int from audit_log group by 1, 2 order by 1, 2',
      )
      expect(rows).toEqual([
        { address: '203.0.113.1', outcome: 201, count: 1 },
        { address: '203.0.113.1', outcome: 401, count: 5 },
        { address: '203.0.113.2', outcome: 401, count: 1 },
      ])
    } finally {
      await own.close()
    }
  })

  it('loses none of many changes at once', async () => {
    await Promise.all(Array.from({ length: 50 }, () => test.request('POST', '/v1/tickets')))
    const all = await entries('?limit=100')
    expect(all).toHaveLength(50)
    expect(new Set(all.map(({ request_id }) => request_id)).size).toBe(50)
  })

  it('answers, and writes to its own log, when an entry cannot be stored', async () => {
    await test.database.pool.query('drop table audit_log')
    const answer = await test.request('POST', '/v1/tickets', { headers: { 'x-request-id': 'r-2' } })
    expect(answer.statusCode).toBe(201)
    const line = test.logged.find((text) => text.includes('audit log could not be stored'))
    expect(JSON.parse(line ?? '{}').audit).toMatchObject({ request_id: 'r-2', outcome: 201 })
  })

  it('believes a proxy about the address only when told to', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    await test.request('POST', '/v1/tickets', { headers })
    expect((await entries())[0]?.address).toBe('127.0.0.1')
    const behind = await createTestApp({ trustProxy: ['loopback'] })
    try {
      await behind.request('POST', '/v1/tickets', { headers })
      const { rows } = await behind.database.pool.query('select address from audit_log')
      expect(rows).toEqual([{ address: '203.0.113.7' }])
    } finally {
      await behind.close()
    }
  })
})

describe('GET /v1/audit', () => {
  it('goes back page by page', async () => {
    for (let n = 0; n < 5; n++) await test.request('POST', '/v1/tickets')
    const first = await entries('?limit=2')
    expect(first.map(({ id }) => id)).toEqual([5, 4])
    const second = await entries(`?limit=2&before=${first.at(-1)?.id}`)
    expect(second.map(({ id }) => id)).toEqual([3, 2])
    expect(await entries('?before=1')).toEqual([])
  })

  it('finds parts of who did what to what, in any case', async () => {
    await test.request('POST', '/v1/tickets')
    await test.tokenFor(['viewer'])
    expect(await entries('?search=TICKETS')).toMatchObject([{ action: 'POST /v1/tickets' }])
    expect(await entries('?search=%25')).toEqual([])
    expect(await entries('?search=/v1/')).toHaveLength(2)
  })

  it.each(['before=0', 'before=x', 'limit=0', 'limit=101', 'actor=me'])(
    'refuses ?%s',
    async (query) => {
      const answer = await test.request('GET', `/v1/audit?${query}`)
      expect(answer.statusCode).toBe(400)
      expect(answer.json().error.code).toBe('invalid_request')
    },
  )

  it('is not for a token that is limited to repositories', async () => {
    const token = await test.tokenFor(['admin'], { repositories: ['acme/shop'] })
    const answer = await test.request('GET', '/v1/audit', { token })
    expect(answer.statusCode).toBe(403)
    expect(answer.json().error.code).toBe('authorization_failed')
  })
})
