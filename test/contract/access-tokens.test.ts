import { randomUUID } from 'node:crypto'
import type { CreatedToken, ListTokensResponse } from '@slipway/contract/access'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, createTestApp } from '../support/http.ts'

let test: TestApp
beforeAll(async () => void (test = await createTestApp()))
afterAll(() => test.close())

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()

async function create(body: object, token?: string) {
  return test.request('POST', '/v1/tokens', { body, ...(token === undefined ? {} : { token }) })
}
const newName = () => `n-${randomUUID()}`

describe('POST /v1/tokens', () => {
  it('answers 201 with every field, and the token in this answer only', async () => {
    const name = newName()
    const expires_at = inAnHour()
    const body = { name, roles: ['viewer', 'developer'], repositories: ['acme/shop'], expires_at }
    const answer = await create(body)
    expect(answer.statusCode).toBe(201)
    expect(answer.headers['cache-control']).toBe('no-store')
    const created = answer.json<CreatedToken>()
    expect(created).toEqual({
      id: expect.stringMatching(uuid),
      name,
      roles: ['viewer', 'developer'],
      repositories: ['acme/shop'],
      created_by: 'admin',
      created_at: expect.stringMatching(iso),
      expires_at,
      last_used_at: null,
      token: expect.stringMatching(/^slw_[0-9A-Za-z]{40}$/),
    })
    const list = await test.request('GET', '/v1/tokens?limit=100')
    expect(list.body).not.toContain(created.token)
    const { rows } = await test.database.pool.query('select * from tokens where id = $1', [
      created.id,
    ])
    expect(JSON.stringify(rows)).not.toContain(created.token)
  })

  it('takes null and nothing for repositories and expires_at', async () => {
    for (const more of [{}, { repositories: null, expires_at: null }]) {
      const answer = await create({ name: newName(), roles: ['viewer'], ...more })
      expect(answer.statusCode).toBe(201)
      expect(answer.json()).toMatchObject({ repositories: null, expires_at: null })
    }
  })

  it('gives every token a secret of its own', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => test.tokenFor(['viewer'])))
    expect(new Set(tokens).size).toBe(20)
  })

  it('refuses a name that a valid token has, and frees it with the token', async () => {
    const name = newName()
    const first = (await create({ name, roles: ['viewer'] })).json<CreatedToken>()
    const second = await create({ name, roles: ['viewer'] })
    expect(second.statusCode).toBe(409)
    expect(second.json()).toEqual({
      error: {
        code: 'resource_conflict',
        message: 'A valid token already has this name',
        details: { name },
      },
    })
    await test.request('DELETE', `/v1/tokens/${first.id}`)
    expect((await create({ name, roles: ['viewer'] })).statusCode).toBe(201)
  })

  it('lets exactly one of many at once have a name', async () => {
    const name = newName()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => create({ name, roles: ['viewer'] })),
    )
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array(7).fill(409),
    ])
  })

  it('frees the name of an expired token', async () => {
    const name = newName()
    const { id } = (
      await create({ name, roles: ['viewer'], expires_at: inAnHour() })
    ).json<CreatedToken>()
    await test.database.pool.query(
      `update tokens set expires_at = now() - interval '1 second' where id = $1`,
      [id],
    )
    expect((await create({ name, roles: ['viewer'] })).statusCode).toBe(201)
  })

  it.each(['admin', 'anonymous', 'signed link'])(
    'refuses the name %s, which the audit log uses',
    async (name) => {
      expect((await create({ name, roles: ['viewer'] })).statusCode).toBe(409)
    },
  )

  it('refuses an expiry that has passed', async () => {
    const answer = await create({
      name: newName(),
      roles: ['viewer'],
      expires_at: '2020-01-01T00:00:00Z',
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toMatchObject({
      code: 'invalid_request',
      details: { problems: [{ path: '/expires_at', message: 'must be in the future' }] },
    })
  })

  it('names every problem of a wrong body', async () => {
    const body = {
      name: '',
      roles: ['viewer', 'king'],
      repositories: ['no slash'],
      expires_at: 'tomorrow',
      extra: 1,
    }
    const answer = await create(body)
    expect(answer.statusCode).toBe(400)
    const { code, details } = answer.json().error
    expect(code).toBe('invalid_request')
    const paths = details.problems.map(({ path }: { path: string }) => path).toSorted()
    expect(paths).toEqual(['/expires_at', '/extra', '/name', '/repositories/0', '/roles/1'])
    for (const { message } of details.problems) expect(message).toBeTruthy()
  })

  it.each([
    [{}, '/name'],
    [{ name: 1, roles: ['viewer'] }, '/name'],
    [{ name: 'x'.repeat(101), roles: ['viewer'] }, '/name'],
    [{ name: 'n', roles: [] }, '/roles'],
    [{ name: 'n', roles: 'viewer' }, '/roles'],
    [{ name: 'n', roles: ['viewer', 'viewer'] }, '/roles'],
    [{ name: 'n', roles: ['viewer'], repositories: [] }, '/repositories'],
    [{ name: 'n', roles: ['viewer'], repositories: ['a/b', 'a/b'] }, '/repositories'],
    [{ name: 'n', roles: ['viewer'], expires_at: 5 }, '/expires_at'],
    [[], ''],
    ['text', ''],
  ])('refuses the body %j', async (body, path) => {
    const answer = await test.request('POST', '/v1/tokens', {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.statusCode).toBe(400)
    const problems = answer.json().error.details.problems
    expect(problems.map((problem: { path: string }) => problem.path)).toContain(path)
  })

  it('makes no token that sees more repositories than its maker', async () => {
    const limited = await test.tokenFor(['admin'], { repositories: ['acme/shop', 'acme/site'] })
    const all = await create({ name: newName(), roles: ['viewer'] }, limited)
    expect(all.statusCode).toBe(403)
    expect(all.json().error.code).toBe('authorization_failed')
    const more = { name: newName(), roles: ['viewer'], repositories: ['acme/shop', 'acme/other'] }
    const other = await create(more, limited)
    expect(other.statusCode).toBe(403)
    expect(other.json().error.details).toEqual({ repositories: ['acme/other'] })
    const within = { name: newName(), roles: ['viewer'], repositories: ['acme/shop'] }
    expect((await create(within, limited)).statusCode).toBe(201)
  })
})

describe('GET /v1/tokens', () => {
  it('shows those with a role where one is asked for', async () => {
    const name = newName()
    await create({ name, roles: ['viewer', 'service-account'] })
    const machines = await test.request('GET', '/v1/tokens?role=service-account')
    expect(machines.json<ListTokensResponse>()).toMatchObject({ total: 1, tokens: [{ name }] })
    expect((await test.request('GET', '/v1/tokens?role=emperor')).statusCode).toBe(400)
  })

  it('lists the newest first, page by page, with the total', async () => {
    const own = await createTestApp()
    try {
      for (let n = 1; n <= 5; n++) await own.tokenFor(['viewer'])
      const first = (await own.request('GET', '/v1/tokens?limit=2')).json<ListTokensResponse>()
      expect(first).toMatchObject({ total: 5, limit: 2, offset: 0 })
      expect(first.tokens.map(({ name }) => name)).toEqual(['token 5', 'token 4'])
      expect(Object.keys(first.tokens[0] ?? {}).toSorted()).toEqual([
        'created_at',
        'created_by',
        'expires_at',
        'id',
        'last_used_at',
        'name',
        'repositories',
        'roles',
      ])
      const last = (
        await own.request('GET', '/v1/tokens?limit=2&offset=4')
      ).json<ListTokensResponse>()
      expect(last.tokens.map(({ name }) => name)).toEqual(['token 1'])
      const usual = (await own.request('GET', '/v1/tokens')).json<ListTokensResponse>()
      expect(usual).toMatchObject({ limit: 20, offset: 0 })
    } finally {
      await own.close()
    }
  })

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=1.5',
    'limit=',
    'offset=-1',
    'limit=1&limit=2',
    'page=2',
  ])('refuses ?%s', async (query) => {
    const answer = await test.request('GET', `/v1/tokens?${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toMatchObject({
      code: 'invalid_request',
      message: /^The query is not valid/,
    })
  })

  it('shows a limited administrator only tokens that see no more', async () => {
    const repositories = [`acme/${randomUUID()}`]
    const limited = await test.tokenFor(['admin'], { repositories })
    const own = (
      await create({ name: newName(), roles: ['viewer'], repositories }, limited)
    ).json<CreatedToken>()
    const list = await test.request('GET', '/v1/tokens?limit=100', { token: limited })
    const { tokens, total } = list.json<ListTokensResponse>()
    expect(total).toBe(2)
    expect(tokens.map(({ id }) => id)).toContain(own.id)
    for (const token of tokens) expect(token.repositories).toEqual(repositories)
  })

  it('says when a token was last used', async () => {
    const { id, token } = (await create({ name: newName(), roles: ['admin'] })).json<CreatedToken>()
    const before = Date.now()
    await test.request('GET', '/v1/tokens', { token })
    await test.identity.flush()
    const { tokens } = (
      await test.request('GET', '/v1/tokens?limit=100')
    ).json<ListTokensResponse>()
    const used = tokens.find((candidate) => candidate.id === id)?.last_used_at
    expect(Date.parse(used ?? '')).toBeGreaterThanOrEqual(before)
  })
})

describe('DELETE /v1/tokens/{id}', () => {
  it('ends a token at once, and may be repeated', async () => {
    const { id, token } = (await create({ name: newName(), roles: ['admin'] })).json<CreatedToken>()
    expect((await test.request('GET', '/v1/tokens', { token })).statusCode).toBe(200)
    const gone = await test.request('DELETE', `/v1/tokens/${id}`)
    expect([gone.statusCode, gone.body]).toEqual([204, ''])
    expect((await test.request('GET', '/v1/tokens', { token })).statusCode).toBe(401)
    expect((await test.request('DELETE', `/v1/tokens/${id}`)).statusCode).toBe(204)
    const list = await test.request('GET', '/v1/tokens?limit=100')
    expect(list.body).not.toContain(id)
  })

  it('takes an empty body that says it is JSON', async () => {
    const { id } = (await create({ name: newName(), roles: ['viewer'] })).json<CreatedToken>()
    const headers = { 'content-type': 'application/json' }
    expect((await test.request('DELETE', `/v1/tokens/${id}`, { headers })).statusCode).toBe(204)
  })

  it('does not know other ids', async () => {
    const answer = await test.request('DELETE', `/v1/tokens/${randomUUID()}`)
    expect(answer.statusCode).toBe(404)
    expect(answer.json().error.code).toBe('resource_not_found')
  })

  it('refuses what is no id', async () => {
    const answer = await test.request('DELETE', '/v1/tokens/seven')
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.details.problems[0].path).toBe('/id')
  })

  it('hides from a limited administrator tokens that see more', async () => {
    const limited = await test.tokenFor(['admin'], { repositories: ['acme/shop'] })
    const { id, token } = (await create({ name: newName(), roles: ['admin'] })).json<CreatedToken>()
    expect((await test.request('DELETE', `/v1/tokens/${id}`, { token: limited })).statusCode).toBe(
      404,
    )
    expect((await test.request('GET', '/v1/tokens', { token })).statusCode).toBe(200)
  })
})

describe('a token', () => {
  it('ends when it expires, also where it is remembered', async () => {
    const soon = new Date(Date.now() + 400).toISOString()
    const { token } = (
      await create({ name: newName(), roles: ['admin'], expires_at: soon })
    ).json<CreatedToken>()
    expect((await test.request('GET', '/v1/tokens', { token })).statusCode).toBe(200)
    await expect
      .poll(async () => (await test.request('GET', '/v1/tokens', { token })).statusCode)
      .toBe(401)
  })

  it.each([
    ['Basic', (token: string) => `Basic ${Buffer.from(`x:${token}`).toString('base64')}`],
    ['no scheme', (token: string) => token],
    ['nothing behind Bearer', () => 'Bearer '],
    ['two tokens', (token: string) => `Bearer ${token} ${token}`],
    ['one letter more', (token: string) => `Bearer ${token}a`],
  ])('is refused with %s', async (_what, header) => {
    const authorization = header(test.token)
    const answer = await test.request('GET', '/v1/tokens', {
      token: null,
      headers: { authorization },
    })
    expect(answer.statusCode).toBe(401)
  })

  it('may be written with any case of Bearer', async () => {
    const authorization = `bEARER ${test.token}`
    const answer = await test.request('GET', '/v1/tokens', {
      token: null,
      headers: { authorization },
    })
    expect(answer.statusCode).toBe(200)
  })

  it('answers 503, not 401, while the database cannot be asked', async () => {
    const own = await createTestApp()
    try {
      await own.database.close()
      const answer = await own.request('GET', '/v1/tokens', { token: `slw_${'b'.repeat(40)}` })
      expect(answer.statusCode).toBe(503)
      expect(answer.json().error.code).toBe('unavailable')
    } finally {
      await own.app.close()
    }
  })
})
