import { randomBytes, randomUUID } from 'node:crypto'
import type { CreateWebhookRequest, Delivery, DeliveryDetails } from '@slipway/contract/webhooks'
import { expect, onTestFinished } from 'vitest'
import type { NewEvent } from '../../packages/server/src/db/unit-of-work.ts'
import { createEventFeed, startEventRelay } from '../../packages/server/src/events/index.ts'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import {
  createTargetGuard,
  createWebhook,
  getDelivery,
  listDeliveries,
  type Resolve,
  startWebhooks,
  type WebhooksDeps,
} from '../../packages/server/src/webhooks/index.ts'
import { createTestDatabase } from './database.ts'
import { commitEvents, someEvent } from './events.ts'
import { quietLog } from './quiet-log.ts'

/** Whoever may do everything. */
export const everybody: Principal = {
  id: 'a',
  name: 'admin',
  roles: ['admin'],
  repositories: null,
}

export interface WebhookRoomOptions {
  allowed?: readonly string[]
  resolve?: Resolve
  timeoutMs?: number
  perWebhook?: number
  /** Without it nothing is read from the outbox and nothing is sent. */
  running?: boolean
}

/** The room of webhooks with outbox and sender, on a database of its own; closed after the test. */
export async function openWebhookRoom(options: WebhookRoomOptions = {}) {
  const { allowed = ['127.0.0.0/8'], resolve, running = true, ...sending } = options
  const database = await createTestDatabase()
  const { db, pool } = database
  const feed = createEventFeed({ db, log: quietLog })
  const relay = startEventRelay({ pool, publish: feed.publish, log: quietLog })
  const target = createTargetGuard({
    allowed,
    rememberMs: 0,
    ...(resolve === undefined ? {} : { resolve }),
  })
  const unit = { db, wakeEvents: () => relay.wake(), wakeJobs: () => {} }
  const vault = openVault([randomBytes(32)])
  const base = { ...unit, vault, target }
  const start = () =>
    startWebhooks(
      { ...base, log: quietLog, holder: randomUUID(), feed, version: '1.2.3' },
      { pollMs: 200, ...sending },
    )
  const first = running ? start() : null
  const deps: WebhooksDeps = { ...base, wakeSender: () => first?.wake() }
  onTestFinished(async () => {
    await first?.close()
    await relay.close()
    await feed.close()
    await database.close()
  })
  if (running) {
    // From its first turn on the reader of the outbox misses nothing.
    await expect.poll(() => db.selectFrom('event_consumers').selectAll().execute()).toHaveLength(1)
  }
  const create = (request: Partial<CreateWebhookRequest> & { url: string }) =>
    createWebhook(deps, { principal: everybody, request })
  const deliveries = async (webhook: { id: string }): Promise<Delivery[]> => {
    const input = { status: null, before: null, limit: 100 }
    const list = await listDeliveries(deps, {
      principal: everybody,
      webhookId: webhook.id,
      ...input,
    })
    return list.deliveries
  }
  return {
    deps,
    database,
    db,
    /** Starts another sender and reader, as a further server has them. */
    start,
    create,
    deliveries,
    emit: (...events: NewEvent[]) =>
      commitEvents({ db, wake: () => relay.wake() }, events.length > 0 ? events : [someEvent()]),
    /** The newest delivery of a webhook, once it is as `condition` says. */
    async delivery(webhook: { id: string }, condition: (delivery: DeliveryDetails) => boolean) {
      let found: DeliveryDetails | undefined
      await expect
        .poll(
          async () => {
            const [newest] = await deliveries(webhook)
            if (newest === undefined) return false
            const input = { principal: everybody, webhookId: webhook.id, id: newest.id }
            found = await getDelivery(deps, input)
            return condition(found)
          },
          { timeout: 15_000, interval: 20 },
        )
        .toBe(true)
      if (found === undefined) throw new Error('never asked')
      return found
    },
    /** Lets every waiting delivery be due now. */
    async hurry() {
      await pool.query(
        `update webhook_deliveries set next_attempt_at = now() where status = 'pending'`,
      )
      first?.wake()
    },
    /** Makes the past longer: what deliveries and webhooks know of time moves back. */
    async age(interval: string) {
      await pool.query(`update webhook_deliveries set created_at = created_at - $1::interval`, [
        interval,
      ])
      await pool.query(`update webhooks set failing_since = failing_since - $1::interval`, [
        interval,
      ])
    },
  }
}

export type WebhookRoom = Awaited<ReturnType<typeof openWebhookRoom>>

/** An attempt has failed, and another is to come. */
export const isPending = ({ status, attempts }: DeliveryDetails) =>
  status === 'pending' && attempts.at(-1)?.error != null
export const isDelivered = ({ status }: Delivery) => status === 'delivered'
export const isDead = ({ status }: Delivery) => status === 'dead'
