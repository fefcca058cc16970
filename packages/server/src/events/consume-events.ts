import { type Kysely, sql } from 'kysely'
import { underOrigin } from '../correlation.ts'
import type { Tables } from '../db/tables.gen.ts'
import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'
import type { EventFeed } from './event-feed.ts'
import type { EventTypeFilter } from './event-filter.ts'
import type { StoredEvent } from './stored-event.ts'

export interface EventConsumerDeps extends DutyDeps {
  feed: EventFeed
}

export interface EventConsumerOptions {
  /** Unique among consumers; its cursor is kept under it. */
  name: string
  types: EventTypeFilter
  /**
   * Does what an event asks for. An event may come again, never out of order, and none is left out: a
   * rejection ends the turn, and the same event is handed over again after a pause. So what can't
   * succeed later either must resolve.
   */
  handle(event: StoredEvent, signal: AbortSignal): Promise<void>
}

/** Milliseconds from one store of the cursor to the next; after a crash as much comes again. */
const storeEveryMs = 250

/**
 * Reads the outbox for ever, with a cursor in the database: one server at a time does, and whoever
 * follows it goes on where it stopped. A consumer that is new begins with what happens from now on.
 */
export function startEventConsumer(deps: EventConsumerDeps, options: EventConsumerOptions): Duty {
  return startDuty(deps, {
    name: `events: ${options.name}`,
    everyMs: 1_000,
    run: (signal) => consume(deps, options, signal),
  })
}

async function consume(
  deps: EventConsumerDeps,
  options: EventConsumerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { db, feed } = deps
  const { name, types, handle } = options
  let stored = await openCursor(db, name, await feed.lastSeq())
  const filter = { types, visibleRepositories: null }
  const following = feed.follow({ after: stored, filter }, signal)
  /** The last event that is done with, or that everything up to here was none of ours. */
  let done = stored
  let busy = false
  const store = async () => {
    const to = busy ? done : (following.position() ?? done)
    if (to <= stored) return
    stored = to
    await sql`update event_consumers set seq = ${to} where name = ${name} and seq < ${to}`.execute(
      db,
    )
  }
  const timer = setInterval(
    () =>
      void store().catch((error: unknown) =>
        deps.log.warn({ err: error, consumer: name }, 'a cursor could not be stored'),
      ),
    storeEveryMs,
  )
  try {
    for await (const event of following) {
      busy = true
      await underOrigin(event.origin ?? null, () => handle(event, signal))
      done = event.seq
      busy = false
    }
  } finally {
    clearInterval(timer)
    await store()
  }
}

async function openCursor(db: Kysely<Tables>, name: string, last: number): Promise<number> {
  const { rows } = await sql<{ seq: number }>`
    with made as (
      insert into event_consumers (name, seq) values (${name}, ${last})
      on conflict (name) do nothing returning seq
    )
    select seq from made union all select seq from event_consumers where name = ${name} limit 1
  `.execute(db)
  return rows[0]?.seq ?? last
}
