import { type Kysely, sql } from 'kysely'
import type { Pool, QueryResult } from 'pg'
import type { Tables } from '../db/tables.gen.ts'
import type { EventFilter } from './event-filter.ts'
import { type EventRow, type StoredEvent, toStoredEvent } from './stored-event.ts'

/** Two-part advisory key of the relay: ours ("slip"), and the first of ours. */
const RELAY_LOCK = '1936484720, 1'
const LOCK_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 15_000
const CLIENT_TIMEOUT_MS = 25_000

/** One batch of the relay. */
export interface NumberedEvents {
  /** Those that this batch numbered, in order; empty when none was waiting. */
  events: readonly StoredEvent[]
  /** The highest number there is, whoever gave it. */
  last: number
}

/**
 * Numbers up to `limit` committed events in the order of their insertion.
 *
 * One round trip, one transaction. The lock comes first and in a statement of its own: at READ
 * COMMITTED the numbering then sees all that every earlier holder committed, which is what makes
 * the numbers dense and unique. It is held only while PostgreSQL itself works, so a server that
 * hangs or is cut off cannot keep it.
 *
 * A transaction that commits late is numbered late, behind what readers have already been given.
 */
export async function numberEvents(pool: Pool, limit: number): Promise<NumberedEvents> {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError('limit must be positive')
  const query = { text: numberEventsSql(limit), query_timeout: CLIENT_TIMEOUT_MS }
  // Several statements in one text answer with one result each.
  const results = (await pool.query(query)) as unknown as QueryResult[]
  const rows = results.at(-3)?.rows as EventRow[] | undefined
  const last = (results.at(-2)?.rows as { last: number }[] | undefined)?.[0]?.last
  if (rows === undefined || last === undefined) throw new Error('The event sequence has no row')
  return { events: rows.map(toStoredEvent), last }
}

function numberEventsSql(limit: number): string {
  return `
    begin isolation level read committed;
    set local lock_timeout = ${LOCK_TIMEOUT_MS};
    set local statement_timeout = ${STATEMENT_TIMEOUT_MS};
    select pg_advisory_xact_lock(${RELAY_LOCK});
    with batch as (
      select id, row_number() over (order by id) as place
      from (select id from events where seq is null order by id limit ${limit}) as waiting
    ), sequence as (
      update event_sequence set last = last + (select count(*) from batch)
      where exists (select from batch)
      returning last - (select count(*) from batch) as base
    ), numbered as (
      update events set seq = sequence.base + batch.place
      from batch, sequence
      where events.id = batch.id and events.seq is null
      returning ${EVENT_COLUMNS}
    )
    select * from numbered order by seq;
    select last from event_sequence;
    commit`
}

const EVENT_COLUMNS = `events.seq, events.event_type, events.repository,
  events.run_id, events.occurred_at, events.data::text as data, events.origin`

/** The highest number there is; 0 before the first event. */
export async function readLastSeq(db: Kysely<Tables>): Promise<number> {
  const result = await sql<{ last: number }>`
    select last from event_sequence`.execute(db)
  return result.rows[0]?.last ?? 0
}

export interface EventPageInput {
  /** Only events behind this number, */
  after: number
  /** and up to this one. */
  upTo: number
  limit: number
  /** Absent: every event. */
  filter?: EventFilter
}

export interface EventPage {
  events: readonly StoredEvent[]
  /** Number of the oldest event that retention has kept; null if there is none at all. */
  oldest: number | null
}

/** The first `limit` matching events of a stretch, and where the kept ones begin, in one snapshot. */
export async function readEventPage(db: Kysely<Tables>, input: EventPageInput): Promise<EventPage> {
  const result = await sql<Omit<EventRow, 'seq'> & { seq: number | null; oldest: number | null }>`
    select page.*, kept.oldest
    from (select (
      select seq from events where seq is not null order by seq limit 1
    ) as oldest) as kept
    left join lateral (
      select ${sql.raw(EVENT_COLUMNS)} from events
      where events.seq > ${input.after} and events.seq <= ${input.upTo} ${conditions(input.filter)}
      order by events.seq limit ${input.limit}
    ) as page on true
    order by page.seq`.execute(db)
  const events: StoredEvent[] = []
  for (const row of result.rows) {
    if (row.seq !== null) events.push(toStoredEvent({ ...row, seq: row.seq }))
  }
  return { events, oldest: result.rows[0]?.oldest ?? null }
}

/**
 * The number behind which are the newest `limit` matching events of a stretch; its end where none matches.
 */
export async function readSeqBefore(db: Kysely<Tables>, input: EventPageInput): Promise<number> {
  const result = await sql<{ first: number | null }>`
    select min(seq) as first from (
      select events.seq from events
      where events.seq > ${input.after} and events.seq <= ${input.upTo} ${conditions(input.filter)}
      order by events.seq desc limit ${input.limit}
    ) as newest`.execute(db)
  const first = result.rows[0]?.first ?? null
  return first === null ? input.upTo : first - 1
}

function conditions(filter: EventFilter | undefined) {
  const parts = [sql``]
  if (filter?.visibleRepositories) {
    parts.push(sql`and events.repository = any(${[...filter.visibleRepositories]}::text[])`)
  }
  if (filter?.repository !== undefined) {
    parts.push(sql`and events.repository = ${filter.repository}`)
  }
  if (filter?.runId !== undefined) parts.push(sql`and events.run_id = ${filter.runId}::uuid`)
  if (filter?.types !== undefined) {
    parts.push(sql`and (
      events.event_type = any(${[...filter.types.exact]}::text[])
      or exists (
        select from unnest(${[...filter.types.prefixes]}::text[]) as prefix
        where starts_with(events.event_type, prefix)
      ))`)
  }
  return sql.join(parts, sql` `)
}
