import type { DeliveryDetails } from '@slipway/contract/webhooks'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { selectDeliveries, toDelivery, visibleDeliveries } from './delivery-rows.ts'
import { findWebhook } from './webhook-rows.ts'

/** A delivery with its body and every attempt. @throws AppError resource_not_found */
export async function getDelivery(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; webhookId: string; id: string },
): Promise<DeliveryDetails> {
  const { db } = deps
  const { principal, webhookId, id } = input
  await findWebhook(db, { principal, id: webhookId })
  const { rows } = await selectDeliveries(sql`
    where d.id = ${id} and d.webhook_id = ${webhookId} and ${visibleDeliveries(principal)}
  `).execute(db)
  const [row] = rows
  if (row === undefined)
    throw new AppError('resource_not_found', 'There is no such delivery', { id })
  const [{ body }, attempts] = await Promise.all([
    db
      .selectFrom('webhook_deliveries')
      .select('body')
      .where('id', '=', id)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom('webhook_attempts')
      .selectAll()
      .where('delivery_id', '=', id)
      .orderBy('attempt')
      .execute(),
  ])
  const delivery = toDelivery(row)
  return {
    ...delivery,
    event: JSON.parse(body) as unknown,
    attempts: attempts.map((made) => ({
      attempt: made.attempt,
      started_at: made.started_at.toISOString(),
      duration_ms: made.duration_ms,
      response_status: made.response_status,
      response_excerpt: made.response_excerpt,
      error:
        made.duration_ms === null && made.attempt < delivery.attempt_count
          ? 'the server ended during this attempt'
          : made.error,
    })),
  }
}
