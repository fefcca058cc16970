import {
  Delivery,
  DeliveryDetails,
  type ListDeliveriesResponse,
  PingEvent,
} from '@slipway/contract/webhooks'
import Value from 'typebox/value'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createWebhookApp, type WebhookApp } from '../support/webhook-app.ts'

let test: WebhookApp
beforeAll(async () => void (test = await createWebhookApp()))
afterEach(() => test.database.pool.query('delete from webhooks'))
afterAll(() => test.close())

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const limited = () => test.tokenFor(['operator'], { repositories: ['acme/shop', 'acme/site'] })

describe('POST /v1/webhooks/{id}/test', () => {
  it('makes a delivery of a ping, and wakes who sends it', async () => {
    const { id } = await test.create({ repositories: ['acme/shop'], events: ['release.created'] })
    const before = test.woken()
    const answer = await test.request('POST', `/v1/webhooks/${id}/test`)
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      id: expect.stringMatching(uuid),
      number: expect.any(Number),
      webhook_id: id,
      message_id: expect.stringMatching(uuid),
      event_id: null,
      event_type: 'slipway.ping',
      status: 'pending',
      attempt_count: 0,
      next_attempt_at: expect.stringMatching(iso),
      response_status: null,
      error: null,
      redelivery_of: null,
      created_at: expect.stringMatching(iso),
      completed_at: null,
    })
    expect(test.woken()).toBe(before + 1)
    const details = await test.request('GET', `/v1/webhooks/${id}/deliveries/${answer.json().id}`)
    expect(Value.Errors(PingEvent, details.json().event)).toEqual([])
  })

  it('is refused for a disabled one', async () => {
    const { id } = await test.create({ enabled: false })
    const answer = await test.request('POST', `/v1/webhooks/${id}/test`)
    expect(answer.statusCode).toBe(409)
    expect(answer.json().error).toMatchObject({ code: 'resource_conflict', details: { id } })
  })
})

describe('GET /v1/webhooks/{id}/deliveries', () => {
  it('goes back page by page, and by status', async () => {
    const { id } = await test.create()
    const ids: string[] = []
    for (const status of ['delivered', 'dead', 'delivered', 'pending', 'delivered']) {
      const pending =
        status === 'pending' ? { next_attempt_at: new Date(), completed_at: null } : {}
      ids.unshift(await test.deliver(id, { status, ...pending }))
    }
    const page = async (query: string) => {
      const answer = await test.request('GET', `/v1/webhooks/${id}/deliveries${query}`)
      expect(answer.statusCode).toBe(200)
      const { deliveries } = answer.json<ListDeliveriesResponse>()
      for (const delivery of deliveries) expect(Value.Errors(Delivery, delivery)).toEqual([])
      return deliveries
    }
    const all = await page('')
    expect(all.map((delivery) => delivery.id)).toEqual(ids)
    const first = await page('?limit=2')
    const second = await page(`?limit=2&before=${first.at(-1)?.number}`)
    expect([...first, ...second]).toEqual(all.slice(0, 4))
    expect(await page('?status=delivered')).toEqual(all.filter((one) => one.status === 'delivered'))
    expect(await page('?status=dead')).toEqual(all.filter((one) => one.status === 'dead'))
    expect(await page(`?status=pending&before=${all.at(-1)?.number}`)).toEqual([])
  })

  it.each(['status=lost', 'before=0', 'before=x', 'limit=0', 'limit=101', 'event=x'])(
    'refuses ?%s',
    async (query) => {
      const { id } = await test.create()
      const answer = await test.request('GET', `/v1/webhooks/${id}/deliveries?${query}`)
      expect(answer.statusCode).toBe(400)
    },
  )
})

describe('GET /v1/webhooks/{id}/deliveries/{delivery_id}', () => {
  it('shows what was sent and every attempt', async () => {
    const { id } = await test.create()
    const delivery = await test.deliver(id, { attempt: 3, event_seq: 7 })
    await test.database.pool.query(
      `insert into webhook_attempts values
         ($1, 1, now(), 12, 500, 'oops', 'it answered 500'),
         ($1, 2, now(), null, null, null, null),
         ($1, 3, now(), 9, 200, 'ok', null)`,
      [delivery],
    )
    const answer = await test.request('GET', `/v1/webhooks/${id}/deliveries/${delivery}`)
    expect(answer.statusCode).toBe(200)
    expect(Value.Errors(DeliveryDetails, answer.json())).toEqual([])
    const lost = 'the server ended during this attempt'
    const at = { started_at: expect.stringMatching(iso) as unknown }
    expect(answer.json()).toMatchObject({
      id: delivery,
      event_id: 7,
      attempt_count: 3,
      response_status: 200,
      error: null,
      event: { event_type: 'release.created' },
    })
    expect(answer.json().attempts).toEqual([
      {
        ...at,
        attempt: 1,
        duration_ms: 12,
        response_status: 500,
        response_excerpt: 'oops',
        error: 'it answered 500',
      },
      {
        ...at,
        attempt: 2,
        duration_ms: null,
        response_status: null,
        response_excerpt: null,
        error: lost,
      },
      {
        ...at,
        attempt: 3,
        duration_ms: 9,
        response_status: 200,
        response_excerpt: 'ok',
        error: null,
      },
    ])
  })

  it('is 404 under another webhook', async () => {
    const [one, other] = [await test.create(), await test.create()]
    const delivery = await test.deliver(one.id)
    const path = `/v1/webhooks/${other.id}/deliveries/${delivery}`
    expect((await test.request('GET', path)).statusCode).toBe(404)
    expect((await test.request('POST', `${path}/redeliver`)).statusCode).toBe(404)
  })
})

describe('POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver', () => {
  it('makes another delivery of the same', async () => {
    const { id } = await test.create()
    const first = await test.deliver(id, { status: 'dead', event_seq: 3 })
    const path = `/v1/webhooks/${id}/deliveries/${first}`
    const before = test.woken()
    const answer = await test.request('POST', `${path}/redeliver`)
    expect(answer.statusCode).toBe(201)
    const { message_id } = (await test.request('GET', path)).json<Delivery>()
    expect(answer.json()).toMatchObject({
      redelivery_of: first,
      message_id,
      event_id: 3,
      event_type: 'release.created',
      status: 'pending',
    })
    expect(test.woken()).toBe(before + 1)
    // As often as one likes.
    expect((await test.request('POST', `${path}/redeliver`)).statusCode).toBe(201)
  })

  it('is refused while it is tried, and for a disabled webhook', async () => {
    const { id } = await test.create()
    const pending = await test.deliver(id, {
      status: 'pending',
      next_attempt_at: new Date(),
      completed_at: null,
    })
    const path = `/v1/webhooks/${id}/deliveries/${pending}/redeliver`
    expect((await test.request('POST', path)).statusCode).toBe(409)
    const done = await test.deliver(id)
    await test.request('PUT', `/v1/webhooks/${id}`, { body: { enabled: false } })
    const other = `/v1/webhooks/${id}/deliveries/${done}/redeliver`
    expect((await test.request('POST', other)).json().error.code).toBe('resource_conflict')
  })
})

describe('a token that is limited to repositories', () => {
  it('sees of an own webhook only what it was told of its repositories', async () => {
    const token = await limited()
    const { id } = await test.create({ repositories: ['acme/shop'] })
    const shop = await test.deliver(id)
    const ping = await test.deliver(id, { event_seq: null, repository: null })
    const other = await test.deliver(id, { repository: 'acme/other' })
    const none = await test.deliver(id, { repository: null })
    const answer = await test.request('GET', `/v1/webhooks/${id}/deliveries`, { token })
    const { deliveries } = answer.json<ListDeliveriesResponse>()
    expect(deliveries.map((delivery) => delivery.id)).toEqual([ping, shop])
    for (const hidden of [other, none]) {
      const path = `/v1/webhooks/${id}/deliveries/${hidden}`
      expect((await test.request('GET', path, { token })).statusCode).toBe(404)
      expect((await test.request('POST', `${path}/redeliver`, { token })).statusCode).toBe(404)
    }
  })
})
