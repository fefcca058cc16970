// What counts as an answer to a delivery, and what happens when there is none.
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { getWebhook } from '../../packages/server/src/webhooks/index.ts'
import { asDocumented } from '../support/assert-events.ts'
import { someEvent } from '../support/events.ts'
import {
  everybody,
  isDead,
  isDelivered,
  isPending,
  openWebhookRoom,
} from '../support/webhook-room.ts'
import { type Received, startTarget, status } from '../support/webhook-target.ts'

const principal = everybody
const headersOf = ({ headers }: Received) => headers as Record<string, string>

describe('an answer', () => {
  it.each([
    [301, 'it answered 301, and redirects are not followed'],
    [400, 'it answered 400'],
    [500, 'it answered 500'],
  ])('of %i is a failure that is tried again, with the same id', async (code, error) => {
    const other = await startTarget()
    const room = await openWebhookRoom()
    const target = await startTarget((response, _received, count) =>
      count === 1
        ? status(code, { location: other.url }, 'no')(response, _received, count)
        : status(200)(response, _received, count),
    )
    const webhook = await room.create({ url: target.url })
    await room.emit()
    const failed = await room.delivery(webhook, isPending)
    expect(failed).toMatchObject({ error, response_status: code, attempt_count: 1 })
    const wait = Date.parse(failed.next_attempt_at!) - Date.now()
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(6_000)
    await room.hurry()
    const done = await room.delivery(webhook, isDelivered)
    expect(done.attempts.map((made) => made.response_status)).toEqual([code, 200])
    const [first, second] = target.received
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
    expect(new Webhook(webhook.secret).verify(second!.body, headersOf(second!))).toBeTruthy()
    expect(other.received).toEqual([])
  })

  it.each([429, 503])('of %i says itself when to come again', async (code) => {
    const room = await openWebhookRoom()
    const target = await startTarget(status(code, { 'retry-after': '3600' }))
    const webhook = await room.create({ url: target.url })
    await room.emit()
    const { next_attempt_at } = await room.delivery(webhook, isPending)
    expect(Date.parse(next_attempt_at!) - Date.now()).toBeGreaterThan(3_500_000)
  })

  it('of 410 ends the delivery and the webhook, and an event says so', async () => {
    const room = await openWebhookRoom()
    const watcher = await startTarget()
    const target = await startTarget(status(410))
    const gone = await room.create({ url: target.url, events: ['pipeline.*'] })
    await room.create({ url: watcher.url, events: ['webhook.disabled'] })
    await room.emit()
    await room.delivery(gone, isDead)
    const reason = 'the target answered that it is gone (410)'
    expect(await getWebhook(room.deps, { principal, id: gone.id })).toMatchObject({
      enabled: false,
      disabled_reason: reason,
    })
    await expect.poll(() => watcher.received.length).toBe(1)
    expect(asDocumented(watcher.received[0]!.event)).toMatchObject({
      event_type: 'webhook.disabled',
      data: { webhook_id: gone.id, reason },
    })
  })

  it('that is huge is cut, and counts', async () => {
    const room = await openWebhookRoom()
    let written = 0
    const target = await startTarget((response) => {
      response.writeHead(200)
      const chunk = 'ä'.repeat(8_192)
      const more = () => {
        if (response.destroyed || written > 64 * 1024 * 1024) return response.end()
        written += chunk.length * 2
        response.write(chunk, () => setImmediate(more))
      }
      more()
    })
    const webhook = await room.create({ url: target.url })
    await room.emit()
    const delivery = await room.delivery(webhook, isDelivered)
    expect(delivery.attempts[0]!.response_excerpt).toBe('ä'.repeat(1_024))
    expect(written).toBeLessThan(32 * 1024 * 1024)
  })

  it('whose body never ends counts by its status, and holds nobody up', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget((response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('.'), 50)
      response.on('close', () => clearInterval(timer))
    })
    const webhook = await room.create({ url: target.url })
    await room.emit()
    const delivery = await room.delivery(webhook, isDelivered)
    expect(delivery.attempts[0]!.response_excerpt).toMatch(/^\.+$/)
  })

  it('may hold bytes that are no text', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget((response) =>
      response.writeHead(200).end(Buffer.from([0, 0xff, 0x41])),
    )
    const webhook = await room.create({ url: target.url })
    await room.emit()
    const delivery = await room.delivery(webhook, isDelivered)
    expect(delivery.attempts[0]!.response_excerpt).toBe('\uFFFD\uFFFDA')
  })
})

describe('no answer', () => {
  const hang = () => {}
  it('within the time is a failure, byte by byte too', async () => {
    const room = await openWebhookRoom({ timeoutMs: 300 })
    const target = await startTarget(hang)
    const slow = await startTarget((response) => {
      const { socket } = response
      const text = 'HTTP/1.1 200 OK\r\nx-filler: '
      let sent = 0
      const timer = setInterval(() => socket?.write(text[sent++] ?? 'a'), 20)
      socket?.on('close', () => clearInterval(timer)).on('error', () => {})
    })
    const hanging = await room.create({ url: target.url })
    const trickling = await room.create({ url: slow.url })
    await room.emit()
    for (const webhook of [hanging, trickling]) {
      const failed = await room.delivery(webhook, isPending)
      expect(failed.error).toBe('there was no answer within 0.3 s')
      expect(failed.attempts[0]!.response_status).toBeNull()
    }
  })

  it('because the connection is closed, or refused, is a failure', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget((response) => void response.destroy())
    const closing = await room.create({ url: target.url })
    // A port that was free a moment ago: privileged, and nobody's here.
    const refusing = await room.create({ url: 'http://127.0.0.1:1/' })
    await room.emit()
    expect((await room.delivery(closing, isPending)).error).toBe(
      'the connection was closed without an answer',
    )
    expect((await room.delivery(refusing, isPending)).error).toBe('the connection was refused')
  })

  it('of one target holds up no other, and no more of it are under way than may be', async () => {
    const room = await openWebhookRoom({ perWebhook: 2 })
    const hanging = await startTarget(hang)
    const good = await startTarget()
    await room.create({ url: hanging.url })
    await room.create({ url: good.url })
    await room.emit(...Array.from({ length: 12 }, () => someEvent()))
    await expect.poll(() => good.received.length).toBe(12)
    expect(hanging.received.length).toBe(2)
  })
})
