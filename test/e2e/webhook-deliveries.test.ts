// Deliveries over real sockets: what is sent, what counts as arrived, and what happens when it does not.
import { randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  getWebhook,
  redeliver,
  rotateSecret,
  testWebhook,
  updateWebhook,
} from '../../packages/server/src/webhooks/index.ts'
import { asDocumented } from '../support/assert-events.ts'
import { someEvent } from '../support/events.ts'
import {
  everybody,
  isDead,
  isDelivered,
  isPending,
  openWebhookRoom,
  type WebhookRoom,
} from '../support/webhook-room.ts'
import { type Received, startTarget, status } from '../support/webhook-target.ts'

const principal = everybody
const headersOf = ({ headers }: Received) => headers as Record<string, string>

describe('a delivery', () => {
  it('is the event as GET /v1/events has it, signed as Standard Webhooks says', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget(status(202, {}, 'thanks'))
    const webhook = await room.create({ url: `${target.url}?a=1` })
    await room.emit()
    const delivery = await room.delivery(webhook, isDelivered)
    const [sent, ...others] = target.received
    expect(others).toEqual([])
    expect(sent!.path).toBe('/hook?a=1')
    expect(asDocumented(sent!.event)).toMatchObject({ event_type: 'pipeline.run.started' })
    const { rows } = await room.database.pool.query('select data from events')
    expect(sent!.event.data).toEqual(rows[0].data)
    expect(sent!.headers).toMatchObject({
      'user-agent': 'Slipway/1.2.3',
      'content-type': 'application/json',
      'webhook-id': delivery.message_id,
    })
    expect(new Webhook(webhook.secret).verify(sent!.body, headersOf(sent!))).toEqual(sent!.event)
    expect(() => new Webhook(webhook.secret).verify(`${sent!.body} `, headersOf(sent!))).toThrow(
      'No matching signature found',
    )
    expect(delivery).toMatchObject({
      event_id: 1,
      attempt_count: 1,
      response_status: 202,
      error: null,
      event: sent!.event,
      attempts: [{ attempt: 1, response_status: 202, response_excerpt: 'thanks', error: null }],
    })
    expect(delivery.attempts[0]!.duration_ms).toBeGreaterThanOrEqual(0)
  })

  it('is made for whoever wants the type and the repository, once for each event', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget()
    const all = await room.create({ url: target.url })
    const some = await room.create({ url: target.url, events: ['pipeline.run.*'] })
    const shop = await room.create({ url: target.url, repositories: ['acme/shop'] })
    const none = await room.create({ url: target.url, events: ['release.created'] })
    await room.create({ url: target.url, enabled: false })
    const disabled = { webhook_id: randomUUID(), reason: 'because' }
    await room.emit(someEvent(), someEvent({ repository: 'acme/other' }), {
      type: 'webhook.disabled',
      data: disabled,
      repository: null,
      runId: null,
    })
    await expect.poll(() => target.received.length).toBe(6)
    const told = async (webhook: { id: string }) =>
      (await room.deliveries(webhook)).map((delivery) => delivery.event_id).toReversed()
    expect(await told(all)).toEqual([1, 2, 3])
    expect(await told(some)).toEqual([1, 2])
    expect(await told(shop)).toEqual([1])
    expect(await told(none)).toEqual([])
  })

  it('carries two signatures for a day after its secret has changed', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget()
    const webhook = await room.create({ url: target.url })
    const { secret } = await rotateSecret(room.deps, { principal, id: webhook.id, request: {} })
    await room.emit()
    await expect.poll(() => target.received.length).toBe(1)
    const [both] = target.received
    for (const one of [secret, webhook.secret]) {
      expect(new Webhook(one).verify(both!.body, headersOf(both!))).toBeTruthy()
    }
    await room.database.pool.query(
      `update webhooks set previous_secret_until = now() - interval '1 second'`,
    )
    await room.emit()
    await expect.poll(() => target.received.length).toBe(2)
    const [, later] = target.received
    expect(new Webhook(secret).verify(later!.body, headersOf(later!))).toBeTruthy()
    expect(() => new Webhook(webhook.secret).verify(later!.body, headersOf(later!))).toThrow(
      'No matching signature found',
    )
  })

  it('stores secrets as nobody who reads the database can use them', async () => {
    const room = await openWebhookRoom({ running: false })
    const webhook = await room.create({ url: 'https://1.1.1.1/' })
    const { rows } = await room.database.pool.query('select * from webhooks')
    const stored = JSON.stringify(rows) + rows[0].secret.toString('latin1')
    expect(stored).not.toContain(webhook.secret.slice('whsec_'.length))
  })

  it('goes over a connection that is kept', async () => {
    const room = await openWebhookRoom({ perWebhook: 1 })
    const target = await startTarget(status(200, {}, 'ok'))
    await room.create({ url: target.url })
    await room.emit(someEvent(), someEvent(), someEvent(), someEvent())
    await expect.poll(() => target.received.length).toBe(4)
    expect(target.connections()).toBe(1)
  })
})

describe('a delivery that never arrives', () => {
  it('is dead when its day is over', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget(status(500))
    const webhook = await room.create({ url: target.url })
    await room.emit()
    await room.delivery(webhook, isPending)
    await room.age('25 hours')
    await room.hurry()
    const dead = await room.delivery(webhook, isDead)
    expect(dead).toMatchObject({
      next_attempt_at: null,
      attempt_count: 2,
      error: 'it answered 500',
    })
    expect(dead.completed_at).not.toBeNull()
  })

  it('is tried nine times at most', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget(status(500))
    const webhook = await room.create({ url: target.url })
    await room.emit()
    for (let attempt = 1; attempt < 9; attempt++) {
      await room.delivery(webhook, (now) => isPending(now) && now.attempt_count === attempt)
      await room.hurry()
    }
    const dead = await room.delivery(webhook, isDead)
    expect(dead.attempts).toHaveLength(9)
    expect(target.received).toHaveLength(9)
  })

  async function kill(room: WebhookRoom, webhook: Awaited<ReturnType<WebhookRoom['create']>>) {
    await room.emit()
    await room.delivery(webhook, isPending)
    await room.age('25 hours')
    await room.hurry()
    await room.delivery(webhook, isDead)
  }

  it('twenty times in a row disables the webhook; one that arrives begins anew', async () => {
    const room = await openWebhookRoom()
    let code = 500
    const target = await startTarget((response, ...rest) => status(code)(response, ...rest))
    const webhook = await room.create({ url: target.url, events: ['pipeline.*'] })
    const setDead = (count: number) =>
      room.database.pool.query(`update webhooks set dead_in_row = $1, failing_since = now()`, [
        count,
      ])
    await setDead(18)
    await kill(room, webhook)
    code = 200
    await room.emit()
    await room.delivery(webhook, isDelivered)
    const { rows } = await room.database.pool.query('select * from webhooks')
    expect(rows[0]).toMatchObject({ dead_in_row: 0, failing_since: null, enabled: true })
    code = 500
    await setDead(19)
    await kill(room, webhook)
    expect(await getWebhook(room.deps, { principal, id: webhook.id })).toMatchObject({
      enabled: false,
      disabled_reason: '20 deliveries in a row came to nothing',
    })
  })

  it('after three days in which none has, disables the webhook', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget(status(500))
    const webhook = await room.create({ url: target.url, events: ['pipeline.*'] })
    await kill(room, webhook)
    expect(await getWebhook(room.deps, { principal, id: webhook.id })).toMatchObject({
      enabled: true,
    })
    await room.age('2 days')
    await kill(room, webhook)
    const now = await getWebhook(room.deps, { principal, id: webhook.id })
    expect(now.enabled).toBe(false)
    expect(now.disabled_reason).toMatch(/^no delivery has succeeded since \d{4}-/)
  })
})

describe('a disabled webhook', () => {
  it('is told nothing, and what waited when it is enabled again', async () => {
    const room = await openWebhookRoom()
    let code = 500
    const target = await startTarget((response, ...rest) => status(code)(response, ...rest))
    const webhook = await room.create({ url: target.url })
    await room.emit()
    await room.delivery(webhook, isPending)
    const change = (request: object) =>
      updateWebhook(room.deps, { principal, id: webhook.id, request })
    await change({ enabled: false })
    await room.hurry()
    await room.emit()
    await expect(testWebhook(room.deps, { principal, id: webhook.id })).rejects.toMatchObject({
      code: 'resource_conflict',
    })
    const other = await room.create({ url: target.url, events: ['release.*'] })
    await testWebhook(room.deps, { principal, id: other.id })
    await room.delivery(other, isPending)
    expect(target.received).toHaveLength(2)
    code = 200
    expect(await change({ enabled: true })).toMatchObject({ enabled: true, disabled_reason: null })
    expect(await room.delivery(webhook, isDelivered)).toMatchObject({ event_id: 1 })
    expect(await room.deliveries(webhook)).toHaveLength(1)
  })
})

describe('sending again', () => {
  it('repeats a delivery with its id, and only when it is over', async () => {
    const room = await openWebhookRoom()
    let code = 500
    const target = await startTarget((response, ...rest) => status(code)(response, ...rest))
    const webhook = await room.create({ url: target.url })
    await room.emit()
    const first = await room.delivery(webhook, isPending)
    const input = { principal, webhookId: webhook.id, id: first.id }
    await expect(redeliver(room.deps, input)).rejects.toMatchObject({ code: 'resource_conflict' })
    code = 200
    await room.hurry()
    await room.delivery(webhook, isDelivered)
    const again = await redeliver(room.deps, input)
    expect(again).toMatchObject({
      redelivery_of: first.id,
      message_id: first.message_id,
      event_id: 1,
    })
    await room.delivery(webhook, (now) => now.id === again.id && isDelivered(now))
    expect(target.received.map(({ headers }) => headers['webhook-id'])).toEqual(
      Array(3).fill(first.message_id),
    )
  })

  it('pings when asked to', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget()
    const webhook = await room.create({ url: target.url, events: ['release.created'] })
    const ping = await testWebhook(room.deps, { principal, id: webhook.id })
    expect(ping).toMatchObject({ event_id: null, event_type: 'slipway.ping', status: 'pending' })
    await room.delivery(webhook, isDelivered)
    expect(target.received[0]!.event).toMatchObject({
      event_type: 'slipway.ping',
      data: { webhook_id: webhook.id, sent_by: 'admin' },
    })
  })
})
