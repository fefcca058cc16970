import { randomBytes, randomUUID } from 'node:crypto'
import { type CreatedWebhook, type ListWebhooksResponse, Webhook } from '@slipway/contract/webhooks'
import Value from 'typebox/value'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { TestRequest } from '../support/http.ts'
import { createWebhookApp, type WebhookApp, webhookUrl as url } from '../support/webhook-app.ts'

let test: WebhookApp
beforeAll(async () => void (test = await createWebhookApp()))
afterEach(() => test.database.pool.query('delete from webhooks'))
afterAll(() => test.close())

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const post = (body: object, more: TestRequest = {}) =>
  test.request('POST', '/v1/webhooks', { body, ...more })
const put = (id: string, body: object, more: TestRequest = {}) =>
  test.request('PUT', `/v1/webhooks/${id}`, { body, ...more })
const limited = () => test.tokenFor(['operator'], { repositories: ['acme/shop', 'acme/site'] })

describe('POST /v1/webhooks', () => {
  it('answers 201 with every field, and the secret in this answer only', async () => {
    const body = {
      url,
      events: ['release.created', 'deployment.*'],
      repositories: ['acme/shop'],
      description: 'To the chat',
      enabled: false,
    }
    const answer = await post(body)
    expect(answer.statusCode).toBe(201)
    expect(answer.headers['cache-control']).toBe('no-store')
    const { secret, ...webhook } = answer.json<CreatedWebhook>()
    expect(webhook).toEqual({
      ...body,
      id: expect.stringMatching(uuid),
      disabled_reason: null,
      previous_secret_expires_at: null,
      created_by: 'admin',
      created_at: expect.stringMatching(iso),
      updated_at: expect.stringMatching(iso),
    })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const shown = await test.request('GET', `/v1/webhooks/${webhook.id}`)
    expect(shown.statusCode).toBe(200)
    expect(shown.json()).toEqual(webhook)
    expect(Value.Errors(Webhook, shown.json())).toEqual([])
    expect((await test.request('GET', '/v1/webhooks')).body).not.toContain(secret)
  })

  it('needs an address alone', async () => {
    expect(await test.create()).toMatchObject({
      events: null,
      repositories: null,
      description: null,
      enabled: true,
    })
    expect(
      await test.create({ events: null, repositories: null, description: null }),
    ).toMatchObject({
      events: null,
      repositories: null,
      description: null,
    })
  })

  it('takes a secret of the caller’s', async () => {
    const secret = `whsec_${randomBytes(24).toString('base64')}`
    expect((await test.create({ secret })).secret).toBe(secret)
    for (const wrong of [
      secret.slice(6),
      `whsec_${randomBytes(23).toString('base64')}`,
      `whsec_${randomBytes(65).toString('base64')}`,
      `whsec_${'ä'.repeat(40)}`,
      'whsec_',
    ]) {
      const answer = await post({ url, secret: wrong })
      expect(answer.statusCode).toBe(400)
      expect(answer.json().error.details.problems[0].path).toBe('/secret')
      if (wrong.length > 20) expect(answer.body).not.toContain(wrong)
    }
  })

  it.each([
    ['ftp://example.com/', 'http://'],
    ['example.com', 'no URL'],
    ['https://user:password@example.com/', 'credentials'],
    ['https://example.com:25/', 'port 25'],
    ['http://127.0.0.1/', 'this machine'],
    ['http://2130706433/', 'this machine'],
    ['http://[::1]:8080/', 'this machine'],
    ['http://[::ffff:127.0.0.1]/', 'this machine'],
    ['http://169.254.169.254/latest/meta-data/', 'metadata'],
    ['http://10.0.0.1/', 'private'],
    ['https://intern.example.com/', 'private'],
  ])('refuses %s and says why', async (wrong, why) => {
    const answer = await post({ url: wrong })
    expect(answer.statusCode).toBe(400)
    const { error } = answer.json()
    expect(error.code).toBe('invalid_request')
    expect(error.details.problems).toEqual([
      { path: '/url', message: expect.stringContaining(why) as unknown },
    ])
    expect(error.message).not.toContain('password')
  })

  it('takes what the server allows, and a name that nobody knows yet', async () => {
    expect((await test.create({ url: 'http://192.168.7.9:8080/x' })).url).toBe(
      'http://192.168.7.9:8080/x',
    )
    expect((await test.create({ url: 'https://later.example.com' })).url).toBe(
      'https://later.example.com/',
    )
  })

  it.each([
    {},
    { url: '' },
    { url, events: [] },
    { url, events: ['release.created', 'release.created'] },
    { url, events: ['release.exploded'] },
    { url, events: ['*'] },
    { url, events: ['slipway.ping'] },
    { url, repositories: [] },
    { url, repositories: ['shop'] },
    { url, description: 'x'.repeat(501) },
    { url, enabled: 'yes' },
    { url, secrets: 'x' },
  ])('refuses %j', async (body) => {
    const answer = await post(body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.code).toBe('invalid_request')
  })

  it('lets there be a hundred', async () => {
    for (let n = 0; n < 99; n++) await test.create()
    const answers = await Promise.all([post({ url }), post({ url }), post({ url })])
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      201, 429, 429,
    ])
    const refused = answers.find(({ statusCode }) => statusCode === 429)
    expect(refused?.json().error).toMatchObject({ code: 'limit_exceeded', details: { limit: 100 } })
  })
})

describe('GET /v1/webhooks', () => {
  it('lists the newest first, by pages', async () => {
    const ids: string[] = []
    for (let n = 0; n < 3; n++) ids.unshift((await test.create()).id)
    const page = async (query: string) => {
      const answer = await test.request('GET', `/v1/webhooks${query}`)
      const { webhooks, ...rest } = answer.json<ListWebhooksResponse>()
      return { ids: webhooks.map(({ id }) => id), ...rest }
    }
    expect(await page('')).toEqual({ ids, total: 3, limit: 20, offset: 0 })
    expect(await page('?limit=2&offset=1')).toEqual({
      ids: ids.slice(1),
      total: 3,
      limit: 2,
      offset: 1,
    })
  })
})

describe('PUT /v1/webhooks/{id}', () => {
  it('changes what it names, and nothing else', async () => {
    const { secret: _, ...made } = await test.create({
      description: 'before',
      events: ['release.*'],
    })
    const before = test.woken()
    const answer = await put(made.id, { description: null, repositories: ['acme/shop'] })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      ...made,
      description: null,
      repositories: ['acme/shop'],
      updated_at: expect.stringMatching(iso),
    })
    const moved = await put(made.id, { url: 'https://example.com/b', events: null, enabled: false })
    expect(moved.json()).toMatchObject({
      url: 'https://example.com/b',
      events: null,
      enabled: false,
      repositories: ['acme/shop'],
    })
    expect(test.woken()).toBeGreaterThan(before)
  })

  it('enables again, and forgets why it was disabled', async () => {
    const { id } = await test.create()
    await test.database.pool.query(
      `update webhooks set enabled = false, disabled_reason = 'x', dead_in_row = 20,
                           failing_since = now()`,
    )
    expect((await test.request('GET', `/v1/webhooks/${id}`)).json().disabled_reason).toBe('x')
    expect((await put(id, { enabled: true })).json()).toMatchObject({
      enabled: true,
      disabled_reason: null,
    })
    const { rows } = await test.database.pool.query(
      'select dead_in_row, failing_since from webhooks',
    )
    expect(rows).toEqual([{ dead_in_row: 0, failing_since: null }])
  })

  it.each([{}, { url: 'http://10.0.0.1/' }, { events: ['x'] }, { secret: 'whsec_x' }, { id: 'x' }])(
    'refuses %j',
    async (body) => {
      const { id } = await test.create()
      const answer = await put(id, body)
      expect(answer.statusCode).toBe(400)
      expect((await test.request('GET', `/v1/webhooks/${id}`)).json().url).toBe(url)
    },
  )
})

describe('DELETE /v1/webhooks/{id}', () => {
  it('takes the deliveries with it', async () => {
    const { id } = await test.create()
    await test.deliver(id)
    expect((await test.request('DELETE', `/v1/webhooks/${id}`)).statusCode).toBe(204)
    expect((await test.request('DELETE', `/v1/webhooks/${id}`)).statusCode).toBe(404)
    const { rows } = await test.database.pool.query('select * from webhook_deliveries')
    expect(rows).toEqual([])
  })
})

describe('POST /v1/webhooks/{id}/rotate-secret', () => {
  it('answers the new secret, once, and until when the old one is good', async () => {
    const { id, secret } = await test.create()
    const answer = await test.request('POST', `/v1/webhooks/${id}/rotate-secret`)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const rotated = answer.json()
    expect(rotated.secret).not.toBe(secret)
    expect(rotated.secret).toMatch(/^whsec_/)
    const left = Date.parse(rotated.previous_secret_expires_at) - Date.now()
    expect(Math.abs(left - 86_400_000)).toBeLessThan(60_000)
    const shown = await test.request('GET', `/v1/webhooks/${id}`)
    expect(shown.json().previous_secret_expires_at).toBe(rotated.previous_secret_expires_at)
    expect(shown.body).not.toContain(rotated.secret)
  })

  it('takes a secret of the caller’s, and refuses a weak one', async () => {
    const { id } = await test.create()
    const secret = `whsec_${randomBytes(64).toString('base64')}`
    const rotate = (body: object) =>
      test.request('POST', `/v1/webhooks/${id}/rotate-secret`, { body })
    expect((await rotate({ secret })).json().secret).toBe(secret)
    expect((await rotate({ secret: 'whsec_c2hvcnQ=' })).statusCode).toBe(400)
    expect((await rotate({ key: secret })).statusCode).toBe(400)
  })
})

describe('a token that is limited to repositories', () => {
  it('makes webhooks for its repositories only', async () => {
    const token = await limited()
    expect((await test.create({}, { token })).repositories).toEqual(['acme/shop', 'acme/site'])
    expect((await test.create({ repositories: ['acme/site'] }, { token })).repositories).toEqual([
      'acme/site',
    ])
    const answer = await post({ url, repositories: ['acme/site', 'acme/other'] }, { token })
    expect(answer.statusCode).toBe(403)
    expect(answer.json().error).toMatchObject({
      code: 'authorization_failed',
      details: { repositories: ['acme/other'] },
    })
  })

  it('sees and changes what is within them, and nothing else', async () => {
    const token = await limited()
    const own = await test.create({ repositories: ['acme/shop'] })
    const all = await test.create()
    const wider = await test.create({ repositories: ['acme/shop', 'acme/other'] })
    const list = (await test.request('GET', '/v1/webhooks', { token })).json<ListWebhooksResponse>()
    expect(list).toMatchObject({ webhooks: [{ id: own.id }], total: 1 })
    for (const { id } of [all, wider]) {
      const delivery = await test.deliver(id)
      const requests = [
        ['GET', ''],
        ['PUT', '', { enabled: false }],
        ['DELETE', ''],
        ['POST', '/test'],
        ['POST', '/rotate-secret'],
        ['GET', '/deliveries'],
        ['GET', `/deliveries/${delivery}`],
        ['POST', `/deliveries/${delivery}/redeliver`],
      ] as const
      for (const [method, path, body] of requests) {
        const answer = await test.request(method, `/v1/webhooks/${id}${path}`, { token, body })
        expect(answer.statusCode, `${method} ${path}`).toBe(404)
        expect(answer.json().error.code).toBe('resource_not_found')
      }
    }
    expect((await put(own.id, { repositories: ['acme/other'] }, { token })).statusCode).toBe(403)
    const widened = await put(own.id, { repositories: null }, { token })
    expect(widened.json().repositories).toEqual(['acme/shop', 'acme/site'])
  })
})

describe('an id', () => {
  it('that is none is 400, one that is unknown 404', async () => {
    for (const id of ['github', '1', 'x'.repeat(100)]) {
      expect((await test.request('GET', `/v1/webhooks/${id}`)).statusCode).toBe(400)
    }
    const unknown = await test.request('GET', `/v1/webhooks/${randomUUID()}`)
    expect(unknown.statusCode).toBe(404)
    expect(unknown.json().error.code).toBe('resource_not_found')
  })
})
