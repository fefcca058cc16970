import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { commitLazily } from './commit-lazily.ts'

/** A delivery that this process is to make now. */
export interface ClaimedDelivery {
  id: string
  attempt: number
  webhook_id: string
  message_id: string
  event_type: string
  body: string
  created_at: Date
  /** What caused it, as `currentOrigin` told it. */
  origin: string | null
  url: string
  secret: Buffer
  previous_secret: Buffer | null
  previous_secret_until: Date | null
}

/**
 * Takes deliveries that are due, so many of each webhook that `busy` counts with them come to
 * `perWebhook`. For `leaseMs` nobody else has them; if this process dies, somebody has them after that.
 */
export async function claimDeliveries(
  db: Kysely<Tables>,
  input: { perWebhook: number; busy: ReadonlyMap<string, number>; leaseMs: number },
): Promise<ClaimedDelivery[]> {
  const { perWebhook, busy, leaseMs } = input
  const { rows } = await sql<ClaimedDelivery>`
    with free as (
      select w.id, ${perWebhook}::int - coalesce(b.busy, 0) as places
      from webhooks w
      left join unnest(${[...busy.keys()]}::uuid[], ${[...busy.values()]}::int[]) as b (id, busy)
        on b.id = w.id
      where w.enabled
    ), due as (
      select d.id from free cross join lateral (
        select id from webhook_deliveries
        where webhook_id = free.id and status = 'pending' and next_attempt_at <= now()
        order by next_attempt_at limit greatest(free.places, 0)
        for update skip locked
      ) d
    ), claimed as (
      update webhook_deliveries d
      set attempt = attempt + 1, next_attempt_at = now() + ${leaseMs}::float8 * interval '1 ms'
      from due where d.id = due.id
      returning d.id, d.attempt, d.webhook_id, d.message_id, d.event_type, d.body, d.created_at, d.origin
    ), begun as (
      insert into webhook_attempts (delivery_id, attempt, started_at)
      select id, attempt, now() from claimed
    )
    select claimed.*, w.url, w.secret, w.previous_secret, w.previous_secret_until
    from claimed join webhooks w on w.id = claimed.webhook_id, ${commitLazily}`.execute(db)
  return rows
}

/** Milliseconds until the next delivery of any other webhook is due, not below 0; null when none waits. */
export async function nextDueMs(
  db: Kysely<Tables>,
  except: readonly string[],
): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(d.at) - now())::float8 * 1000 as ms
    from webhooks w cross join lateral (
      select min(next_attempt_at) as at from webhook_deliveries
      where webhook_id = w.id and status = 'pending'
    ) d
    where w.enabled and w.id <> all(${[...except]}::uuid[])`.execute(db)
  const ms = rows[0]?.ms ?? null
  return ms === null ? null : Math.max(0, ms)
}
