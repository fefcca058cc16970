import type { DeliveryAttempt, DeliveryDetails } from '@slipway/contract/webhooks'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { selectDeliveries, toDelivery, visibleDeliveries } from './delivery-rows.ts'
import { findWebhook } from './webhook-rows.ts'

/** A delivery with its body and every attempt, as one moment saw them. @throws AppError resource_not_found */
export async function getDelivery(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; webhookId: string; id: string },
): Promise<DeliveryDetails> {
  const { principal, webhookId, id } = input
  await findWebhook(deps.db, { principal, id: webhookId })
  const { rows } = await selectDeliveries<{ body: string; attempts: DeliveryAttempt[] }>(
    sql`where d.id = ${id} and d.webhook_id = ${webhookId} and ${visibleDeliveries(principal)}`,
    sql`, d.body, (
      select coalesce(json_agg(to_json(a) order by a.attempt), '[]')
      from webhook_attempts a where a.delivery_id = d.id
    ) as attempts`,
  ).execute(deps.db)
  const [row] = rows
  if (row === undefined)
    throw new AppError('resource_not_found', 'There is no such delivery', { id })
  return {
    ...toDelivery(row),
    event: JSON.parse(row.body) as unknown,
    attempts: row.attempts.map((made) => ({
      attempt: made.attempt,
      started_at: new Date(made.started_at).toISOString(),
      duration_ms: made.duration_ms,
      response_status: made.response_status,
      response_excerpt: made.response_excerpt,
      error:
        made.duration_ms === null && made.attempt < row.attempt
          ? 'the server ended during this attempt'
          : made.error,
    })),
  }
}
