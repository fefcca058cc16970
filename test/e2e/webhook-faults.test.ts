// What goes wrong on our side: servers that stop, share the work or read an event twice, and a log that grows.
import { describe, expect, it, onTestFinished } from 'vitest'
import { getWebhook } from '../../packages/server/src/webhooks/index.ts'
import { pruneDeliveries } from '../../packages/server/src/webhooks/prune-deliveries.ts'
import { someEvent } from '../support/events.ts'
import {
  everybody,
  isDelivered,
  openWebhookRoom,
  type WebhookRoom,
} from '../support/webhook-room.ts'
import { startTarget } from '../support/webhook-target.ts'

/** One more server on the same database. */
function another(room: WebhookRoom) {
  const server = room.start()
  onTestFinished(() => server.close())
  return server
}

describe('several servers', () => {
  it('make each delivery once', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget()
    another(room)
    another(room)
    const webhook = await room.create({ url: target.url })
    for (let batch = 0; batch < 10; batch++) {
      await room.emit(...Array.from({ length: 10 }, () => someEvent()))
    }
    await expect.poll(() => target.received.length, { timeout: 10_000 }).toBe(100)
    await expect
      .poll(async () => (await room.deliveries(webhook)).every(isDelivered), { timeout: 10_000 })
      .toBe(true)
    const ids = target.received.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(100)
    expect((await room.deliveries(webhook)).every((made) => made.attempt_count === 1)).toBe(true)
  })
})

describe('an event that is read again', () => {
  it('is delivered once', async () => {
    const room = await openWebhookRoom({ running: false })
    const target = await startTarget()
    const webhook = await room.create({ url: target.url })
    const first = room.start()
    await expect
      .poll(() => room.db.selectFrom('event_consumers').selectAll().execute())
      .toHaveLength(1)
    await room.emit(someEvent(), someEvent(), someEvent())
    await expect.poll(() => target.received.length).toBe(3)
    await first.close()
    // As after a crash: the cursor is stored now and then only.
    await room.database.pool.query(`update event_consumers set seq = 0`)
    another(room)
    await room.emit(someEvent())
    await expect.poll(() => target.received.length).toBe(4)
    expect(await room.deliveries(webhook)).toHaveLength(4)
  })
})

describe('a server that stops', () => {
  it('gives up what hangs, and another makes it at once', async () => {
    const room = await openWebhookRoom({ running: false })
    let hang = true
    const target = await startTarget((response) => void (hang || response.end()))
    const webhook = await room.create({ url: target.url })
    const first = room.start()
    await expect
      .poll(() => room.db.selectFrom('event_consumers').selectAll().execute())
      .toHaveLength(1)
    await room.emit()
    await expect.poll(() => target.received.length).toBe(1)
    await first.close()
    hang = false
    another(room)
    const done = await room.delivery(webhook, isDelivered)
    expect(done.attempts.map(({ error }) => error)).toEqual([
      'the server was stopped during this attempt',
      null,
    ])
  })

  it('without a word leaves its deliveries to whoever comes when their time is over', async () => {
    const room = await openWebhookRoom()
    const target = await startTarget()
    const webhook = await room.create({ url: target.url, events: ['release.*'] })
    // What a server leaves that was killed in the middle of an attempt.
    const { rows } = await room.database.pool.query(
      `insert into webhook_deliveries (id, webhook_id, message_id, event_type, body, attempt,
                                       next_attempt_at, created_at)
       values (gen_random_uuid(), $1, gen_random_uuid(), 'release.created', '{}', 1,
               now() + interval '300 ms', now()) returning id`,
      [webhook.id],
    )
    await room.database.pool.query(
      `insert into webhook_attempts (delivery_id, attempt, started_at) values ($1, 1, now())`,
      [rows[0].id],
    )
    expect(target.received).toHaveLength(0)
    const done = await room.delivery(webhook, isDelivered)
    expect(done.attempts).toMatchObject([
      { attempt: 1, duration_ms: null, error: 'the server ended during this attempt' },
      { attempt: 2, error: null },
    ])
  })
})

describe('the log of deliveries', () => {
  const never = new AbortController().signal
  const limits = { keptMs: 30 * 86_400_000, kept: 10, waiting: 20 }

  async function fill(room: WebhookRoom, count: number, status: string, age: string) {
    const webhook = await room.create({ url: 'https://1.1.1.1/' })
    await room.database.pool.query(
      `insert into webhook_deliveries (id, webhook_id, message_id, event_type, body, status,
                                       next_attempt_at, created_at)
       select gen_random_uuid(), $1, gen_random_uuid(), 'release.created', '{}', $2::text,
              case when $2::text = 'pending' then now() end, now() - $3::interval
       from generate_series(1, $4)`,
      [webhook.id, status, age, count],
    )
    return webhook
  }
  const prune = (room: WebhookRoom) =>
    pruneDeliveries(room.deps, { now: new Date(), signal: never, limits })

  it('keeps the newest of each webhook, and nothing for longer than its time', async () => {
    const room = await openWebhookRoom({ running: false })
    const many = await fill(room, 25, 'delivered', '1 day')
    const old = await fill(room, 5, 'dead', '31 days')
    const young = await fill(room, 5, 'dead', '29 days')
    const newest = (await room.deliveries(many)).slice(0, 10)
    expect(await prune(room)).toBe(20)
    expect(await room.deliveries(many)).toEqual(newest)
    expect(await room.deliveries(old)).toEqual([])
    expect(await room.deliveries(young)).toHaveLength(5)
    expect(await prune(room)).toBe(0)
  })

  it('takes nothing that is still to be made, and disables what lets too much wait', async () => {
    const room = await openWebhookRoom({ running: false })
    const full = await fill(room, 21, 'pending', '1 day')
    const half = await fill(room, 20, 'pending', '1 day')
    expect(await prune(room)).toBe(0)
    const get = (id: string) => getWebhook(room.deps, { principal: everybody, id })
    expect(await get(full.id)).toMatchObject({
      enabled: false,
      disabled_reason: 'more than 20 deliveries were waiting',
    })
    expect((await get(half.id)).enabled).toBe(true)
  })
})
