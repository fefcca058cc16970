import type { Delivery } from '@slipway/contract/webhooks'
import { sql } from 'kysely'
import { v4, v7 } from 'uuid'
import { currentOrigin } from '../correlation.ts'
import { AppError } from '../errors.ts'
import { envelope } from '../events/index.ts'
import type { Principal } from '../ports/identity.ts'
import { selectDeliveries, toDelivery, visibleDeliveries } from './delivery-rows.ts'
import type { WebhooksDeps } from './deps.ts'
import { findWebhook } from './webhook-rows.ts'

type Deps = Pick<WebhooksDeps, 'db' | 'wakeSender'>

/**
 * Sends what was sent before once more, as a delivery of its own with the message id of the first.
 * @throws AppError resource_not_found; resource_conflict for a disabled webhook, or while it is pending
 */
export async function redeliver(
  deps: Deps,
  input: { principal: Principal; webhookId: string; id: string },
): Promise<Delivery> {
  const { principal, webhookId, id } = input
  await requireEnabled(deps, { principal, id: webhookId })
  const again = v7()
  const inserted = await sql<{ status: string }>`
    with old as (
      select * from webhook_deliveries d
      where d.id = ${id} and d.webhook_id = ${webhookId} and ${visibleDeliveries(principal)}
    ), made as (
      insert into webhook_deliveries (id, webhook_id, message_id, redelivery_of, event_seq, event_type,
                                      repository, body, next_attempt_at, created_at, origin)
      select ${again}::uuid, webhook_id, message_id, id, event_seq, event_type,
             repository, body, now(), ${new Date()}, ${currentOrigin()}::text
      from old where status <> 'pending'
    )
    select status from old`.execute(deps.db)
  const [old] = inserted.rows
  if (old === undefined)
    throw new AppError('resource_not_found', 'There is no such delivery', { id })
  if (old.status === 'pending') {
    throw new AppError('resource_conflict', 'This delivery is still being tried', { id })
  }
  return show(deps, again)
}

/** Sends a `slipway.ping`. @throws AppError resource_not_found; resource_conflict for a disabled webhook */
export async function testWebhook(
  deps: Deps,
  input: { principal: Principal; id: string },
): Promise<Delivery> {
  const { principal, id } = input
  await requireEnabled(deps, input)
  const now = new Date()
  const data = JSON.stringify({ webhook_id: id, sent_by: principal.name })
  const delivery = v7()
  const row = {
    id: delivery,
    webhook_id: id,
    message_id: v4(),
    event_type: 'slipway.ping',
    body: envelope('slipway.ping', now, data),
    created_at: now,
  }
  await deps.db
    .insertInto('webhook_deliveries')
    .values({ ...row, next_attempt_at: sql<Date>`now()` })
    .execute()
  return show(deps, delivery)
}

async function requireEnabled(deps: Deps, input: { principal: Principal; id: string }) {
  const { enabled, id } = await findWebhook(deps.db, input)
  if (!enabled) throw new AppError('resource_conflict', 'The webhook is disabled', { id })
}

/** As it was stored, before anybody begins to send it. */
async function show(deps: Deps, id: string): Promise<Delivery> {
  const { rows } = await selectDeliveries(sql`where d.id = ${id}`).execute(deps.db)
  const [row] = rows
  if (row === undefined)
    throw new AppError('resource_not_found', 'There is no such delivery', { id })
  deps.wakeSender()
  return toDelivery(row)
}
