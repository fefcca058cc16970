import type { ListSecretsResponse, StepSecret } from '@slipway/contract/secrets'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVaultApp } from '../support/vault-app.ts'

let test: Awaited<ReturnType<typeof createVaultApp>>
beforeAll(async () => void (test = await createVaultApp()))
afterAll(() => test.close())

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const put = (scope: string, name: string, value: unknown, token?: string) =>
  test.request('PUT', `/v1/secrets/${encodeURIComponent(scope)}/${encodeURIComponent(name)}`, {
    body: { value },
    ...(token === undefined ? {} : { token }),
  })
const list = async (query = '', token?: string) =>
  (
    await test.request('GET', `/v1/secrets${query}`, token === undefined ? {} : { token })
  ).json<ListSecretsResponse>()

describe('PUT /v1/secrets/{scope}/{name}', () => {
  it('makes a secret (201), then replaces it (200), and never shows it', async () => {
    const made = await put('acme/shop', 'DEPLOY_KEY', 'a very secret value')
    expect(made.statusCode).toBe(201)
    expect(made.json<StepSecret>()).toEqual({
      scope: 'acme/shop',
      name: 'DEPLOY_KEY',
      created_by: 'admin',
      created_at: expect.stringMatching(iso),
      updated_by: 'admin',
      updated_at: expect.stringMatching(iso),
    })
    const again = await put('acme/shop', 'DEPLOY_KEY', 'another very secret value')
    expect(again.statusCode).toBe(200)
    expect(again.json<StepSecret>().created_at).toBe(made.json<StepSecret>().created_at)
    const { rows } = await test.database.pool.query('select * from secrets')
    const everything = JSON.stringify([made.body, again.body, rows, test.logged])
    expect(everything).not.toContain('very secret')
    expect(Buffer.concat(rows.map(({ sealed }) => sealed)).toString()).not.toContain('very secret')
  })

  it('is idempotent, also many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => put('acme/shop', 'RACE', 'value')),
    )
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      ...Array(7).fill(200),
      201,
    ])
  })

  it('takes 64 KiB, in bytes of UTF-8, and no more', async () => {
    expect((await put('acme', 'BIG', 'x'.repeat(65_536))).statusCode).toBe(201)
    for (const value of ['x'.repeat(65_537), 'é'.repeat(32_769)]) {
      const answer = await put('acme', 'BIG', value)
      expect(answer.statusCode).toBe(400)
      expect(answer.json().error.details.problems[0].path).toBe('/value')
    }
  })

  it.each(['DEPLOY_KEY', '_x', 'npm-token', 'a.b', 'A'.repeat(128)])(
    'takes the name %s, which .forge allows',
    async (name) => {
      expect((await put('acme', name, 'v')).statusCode).toBe(201)
    },
  )

  it.each([
    ['acme', '-x'],
    ['acme', 'a b'],
    ['acme', 'a'.repeat(129)],
    ['acme/..', 'X'],
    ['acme/shop/x', 'X'],
    ['-acme', 'X'],
  ])('refuses the scope %s with the name %s', async (scope, name) => {
    expect((await put(scope, name, 'v')).statusCode).toBe(400)
  })

  it.each([[undefined], [''], [5], [null], ['nul \0'], ['half \ud800']])(
    'refuses the value %j',
    async (value) => {
      const answer = await put('acme', 'X', value)
      expect(answer.statusCode).toBe(400)
      expect(answer.json().error.code).toBe('invalid_request')
    },
  )

  it('does not repeat a value that it refuses', async () => {
    const answer = await test.request('PUT', '/v1/secrets/acme/X', {
      body: { value: 'hunter2\0', hunter3: 1 },
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.body).not.toContain('hunter2')
    expect(test.logged.join()).not.toContain('hunter2')
  })
})

describe('DELETE /v1/secrets/{scope}/{name}', () => {
  it('deletes it, once', async () => {
    await put('acme/gone', 'X', 'v')
    const answers = [
      await test.request('DELETE', '/v1/secrets/acme%2Fgone/X'),
      await test.request('DELETE', '/v1/secrets/acme%2Fgone/X'),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([204, 404])
  })
})

describe('GET /v1/secrets', () => {
  it('lists names by scope, in pages', async () => {
    for (const name of ['B', 'A', 'C']) await put('pages', name, 'v')
    await put('pages/one', 'D', 'v')
    const all = await list('?organisation=pages')
    expect(all).toMatchObject({ total: 3, limit: 20, offset: 0 })
    expect(all.secrets.map(({ name }) => name)).toEqual(['A', 'B', 'C'])
    const both = await list('?organisation=pages&repository=pages%2Fone&limit=2&offset=2')
    expect(both.total).toBe(4)
    expect(both.secrets.map(({ scope, name }) => `${scope} ${name}`)).toEqual([
      'pages C',
      'pages/one D',
    ])
  })
})

describe('who may', () => {
  it('developers read names; operators change them; viewers neither', async () => {
    const [viewer, developer, operator] = await Promise.all(
      ['viewer', 'developer', 'operator'].map((role) => test.tokenFor([role])),
    )
    const status = async (token?: string) => [
      (await test.request('GET', '/v1/secrets', { token: token ?? null })).statusCode,
      (await put('acme', 'WHO', 'v', token)).statusCode,
    ]
    expect(await status(viewer)).toEqual([403, 403])
    expect(await status(developer)).toEqual([200, 403])
    expect(await status(operator)).toEqual([200, 201])
  })

  it('a token limited to repositories touches and sees theirs alone', async () => {
    await put('limits', 'ORG', 'v')
    await put('limits/mine', 'MINE', 'v')
    await put('limits/other', 'OTHER', 'v')
    const token = await test.tokenFor(['operator'], { repositories: ['limits/mine'] })
    expect((await list('', token)).secrets.map(({ name }) => name)).toEqual(['MINE'])
    for (const scope of ['limits', 'limits/other']) {
      expect((await put(scope, 'X', 'v', token)).statusCode).toBe(403)
      const path = `/v1/secrets/${encodeURIComponent(scope)}/ORG`
      expect((await test.request('DELETE', path, { token })).statusCode).toBe(403)
    }
    for (const query of ['?organisation=limits', '?repository=limits%2Fother']) {
      expect((await test.request('GET', `/v1/secrets${query}`, { token })).statusCode).toBe(403)
    }
    expect((await put('limits/mine', 'X', 'v', token)).statusCode).toBe(201)
  })

  it('the audit log says which secret, and not what', async () => {
    await put('acme/audited', 'AUDITED', 'the-value-of-it')
    const { rows } = await test.database.pool.query(
      `select * from audit_log where resource like '%AUDITED'`,
    )
    expect(rows[0]).toMatchObject({
      action: 'PUT /v1/secrets/:scope/:name',
      resource: '/v1/secrets/acme%2Faudited/AUDITED',
      outcome: 201,
    })
    expect(JSON.stringify(rows)).not.toContain('the-value-of-it')
  })
})
