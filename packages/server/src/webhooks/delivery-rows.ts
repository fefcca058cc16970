import type { Delivery } from '@slipway/contract/webhooks'
import { type RawBuilder, sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'

export interface DeliveryRow {
  id: string
  number: number
  webhook_id: string
  message_id: string
  event_seq: number | null
  event_type: string
  status: Delivery['status']
  attempt: number
  next_attempt_at: Date | null
  response_status: number | null
  error: string | null
  redelivery_of: string | null
  created_at: Date
  completed_at: Date | null
}

/** Deliveries `d` with their newest attempt that has ended, and `more` columns. */
export function selectDeliveries<More = unknown>(
  rest: RawBuilder<unknown>,
  more: RawBuilder<unknown> = sql``,
): RawBuilder<DeliveryRow & More> {
  return sql<DeliveryRow & More>`
    select d.id, d.number, d.webhook_id, d.message_id, d.event_seq, d.event_type, d.status, d.attempt,
           d.next_attempt_at, d.redelivery_of, d.created_at, d.completed_at,
           last.response_status, last.error ${more}
    from webhook_deliveries d
    left join lateral (
      select a.response_status, a.error from webhook_attempts a
      where a.delivery_id = d.id and a.duration_ms is not null
      order by a.attempt desc limit 1
    ) last on true
    ${rest}`
}

export function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    number: row.number,
    webhook_id: row.webhook_id,
    message_id: row.message_id,
    event_id: row.event_seq,
    event_type: row.event_type,
    status: row.status,
    attempt_count: row.attempt,
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
    response_status: row.response_status,
    error: row.error,
    redelivery_of: row.redelivery_of,
    created_at: row.created_at.toISOString(),
    completed_at: row.completed_at?.toISOString() ?? null,
  }
}

/** A webhook may have had other repositories once; what it was told of those is not for everybody. */
export function visibleDeliveries(principal: Principal): RawBuilder<boolean> {
  return principal.repositories === null
    ? sql<boolean>`true`
    : sql<boolean>`(d.event_seq is null or d.repository = any(${[...principal.repositories]}::text[]))`
}
