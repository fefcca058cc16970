import type { DeliveryStatus, ListDeliveriesResponse } from '@slipway/contract/webhooks'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { selectDeliveries, toDelivery, visibleDeliveries } from './delivery-rows.ts'
import { findWebhook } from './webhook-rows.ts'

/** A webhook's deliveries, newest first, or those before a given one. @throws AppError resource_not_found */
export async function listDeliveries(
  deps: { db: Kysely<Tables> },
  input: {
    principal: Principal
    webhookId: string
    status: DeliveryStatus | null
    before: number | null
    limit: number
  },
): Promise<ListDeliveriesResponse> {
  const { principal, webhookId, status, before, limit } = input
  await findWebhook(deps.db, { principal, id: webhookId })
  const { rows } = await selectDeliveries(sql`
    where d.webhook_id = ${webhookId} and ${visibleDeliveries(principal)}
      ${status === null ? sql`` : sql`and d.status = ${status}`}
      ${before === null ? sql`` : sql`and d.number < ${before}`}
    order by d.number desc limit ${limit}`).execute(deps.db)
  return { deliveries: rows.map(toDelivery) }
}
