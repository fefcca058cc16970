import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Tables } from '../../packages/server/src/db/tables.gen.ts'
import { type NewEvent, transact } from '../../packages/server/src/db/unit-of-work.ts'
import type { StoredEvent } from '../../packages/server/src/events/index.ts'

/** A documented event of a run of its own, unless `over` says otherwise. */
export function someEvent(
  over: { repository?: string | null; runId?: string; type?: NewEvent['type'] } = {},
): NewEvent {
  const { repository = 'acme/shop', runId = randomUUID(), type = 'pipeline.run.started' } = over
  const data = { run_id: runId, repository: repository ?? '', commit_sha: 'abc123def456' }
  return { type, data, repository, runId }
}

/** Commits events as the rooms do, and wakes the relay as `transact` does. */
export async function commitEvents(
  deps: { db: Kysely<Tables>; wake?: () => void },
  events: readonly NewEvent[],
): Promise<void> {
  const wakeEvents = deps.wake ?? (() => {})
  await transact({ db: deps.db, wakeEvents, wakeJobs: () => {} }, async (unit) => {
    for (const event of events) unit.emit(event)
  })
}

/** A transaction that has inserted its events and is still open. */
export async function holdEvents(
  db: Kysely<Tables>,
  events: readonly NewEvent[],
): Promise<{ commit(): Promise<void>; rollback(): Promise<void> }> {
  const trx = await db.startTransaction().execute()
  const rows = events.map((event) => ({
    event_type: event.type,
    repository: event.repository,
    run_id: event.runId,
    occurred_at: new Date(),
    data: JSON.stringify(event.data),
  }))
  await trx.insertInto('events').values(rows).execute()
  return {
    commit: () => trx.commit().execute(),
    rollback: () => trx.rollback().execute(),
  }
}

/** Reads `count` events, or as many as come before the iterable ends. */
export async function take(
  events: AsyncIterable<StoredEvent>,
  count: number,
): Promise<StoredEvent[]> {
  const taken: StoredEvent[] = []
  if (count === 0) return taken
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}
