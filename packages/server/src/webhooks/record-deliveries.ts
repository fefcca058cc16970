import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { StoredEvent } from '../events/index.ts'
import { commitLazily } from './commit-lazily.ts'

/**
 * Writes a delivery of an event for every webhook that wants it, and answers how many. An event that
 * comes again writes nothing: a webhook is told of each once.
 */
export async function recordDeliveries(
  deps: { db: Kysely<Tables> },
  event: StoredEvent,
): Promise<number> {
  const { seq, type, repository, json } = event
  const result = await sql`
    insert into webhook_deliveries (id, webhook_id, message_id, event_seq, event_type, repository, body,
                                    next_attempt_at, created_at, origin)
    select gen_random_uuid(), webhooks.id, md5(webhooks.id || ' ' || ${seq})::uuid, ${seq}::bigint, ${type}, ${repository}::text,
           ${json}, now(), ${new Date()}, ${event.origin ?? null}::text
    from webhooks, ${commitLazily}
    where enabled
      and (repositories is null or ${repository}::text = any(repositories))
      and (events is null or exists (
        select from unnest(events) as wanted
        where wanted = ${type}
           or (right(wanted, 2) = '.*' and starts_with(${type}, left(wanted, -1)))
      ))
    on conflict (webhook_id, event_seq) where redelivery_of is null and event_seq is not null
      do nothing`.execute(deps.db)
  return Number(result.numAffectedRows ?? 0n)
}
