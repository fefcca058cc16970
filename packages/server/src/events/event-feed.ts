import type { Kysely } from 'kysely'
import type { Log } from '../db/log.ts'
import type { Signals } from '../db/signals.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import { compileEventFilter, type EventFilter } from './event-filter.ts'
import { type NumberedEvents, readEventPage, readLastSeq, readSeqBefore } from './event-queries.ts'
import { createEventRing } from './event-ring.ts'
import { EVENTS_CHANNEL } from './events-channel.ts'
import { limitConcurrency } from './limit-concurrency.ts'
import type { StoredEvent } from './stored-event.ts'

/**
 * The events of this server's readers, in the one order, without gaps.
 *
 * Concurrency: one a server, any number of followers. A follower is a cursor: within the newest
 * events it reads from memory, behind them a page at a time from the database. Beyond its cursor a
 * slow one holds at most one page.
 * Failure: a follower whose page cannot be read rejects; its reader comes back with its cursor.
 * What the feed itself cannot read it tries again, so followers are late then, never wrong.
 */
export interface EventFeed {
  /** Follows until `signal` aborts or the feed is closed; both end it without an error. */
  follow(input: FollowInput, signal: AbortSignal): Following
  /**
   * The number of the newest event known here. Waits for the first look into the database.
   * @throws AppError unavailable when there was none within five seconds
   */
  lastSeq(): Promise<number>
  /**
   * The cursor behind which are the `count` newest events that match; of the newest 20,000 of all.
   * @throws AppError unavailable as `lastSeq`
   */
  seqBefore(input: { count: number; filter: EventFilter }): Promise<number>
  /** The relay's: events this server numbered, and how far numbers go. */
  publish(batch: NumberedEvents): void
  close(): Promise<void>
}

export interface FollowInput {
  /** The last event the reader has; absent: from now on. */
  after?: number
  filter: EventFilter
  /** Told, and awaited, before the events that follow the gap. */
  onGap?: (gap: EventGap) => void | Promise<void>
}

/** What a reader asked for is no longer, or was never, there; it goes on with `next`. */
export interface EventGap {
  after: number
  next: number
}

/** Iterate once. */
export interface Following extends AsyncIterable<StoredEvent> {
  /** The number up to which all that matches has been handed out; undefined before the start. */
  position(): number | undefined
}

export interface EventFeedDeps {
  db: Kysely<Tables>
  /** Absent: this is the only server. */
  signals?: Signals
  log: Pick<Log, 'warn'>
  /** Newest events kept in memory. Default 2000. */
  ringSize?: number
  /** Events a follower reads at once from the database. Default 100. */
  pageSize?: number
}

/** The widest stretch of numbers that one query looks through for matches. */
const STRETCH = 20_000
/** Pages of followers that are read at once, so that a thousand returning readers leave connections. */
const PAGE_READERS = 2
const CATCH_UP_PAGE = 500
const READY_MS = 5_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000

export function createEventFeed(deps: EventFeedDeps): EventFeed {
  const { db, signals, log, ringSize = 2_000, pageSize = 100 } = deps
  const ring = createEventRing(ringSize)
  const readPage = limitConcurrency(PAGE_READERS)
  const waiting = new Set<() => void>()
  const closing = new AbortController()
  let target = 0
  let started = false
  let advancing: Promise<void> | undefined

  const ready = start()
  const unsubscribe = signals?.on(EVENTS_CHANNEL, (payload) => {
    const last = payload === null ? Number.NaN : Number(payload)
    if (Number.isSafeInteger(last)) reach(last)
    else void look()
  })

  async function start() {
    const last = await persist(() => readLastSeq(db))
    if (last === undefined) return
    ring.restart(last)
    started = true
    reach(last)
  }

  /** Signals were missed, so nobody has said how far numbers go. */
  async function look() {
    const last = await persist(() => readLastSeq(db))
    if (last !== undefined) reach(last)
  }

  function publish({ events, last }: NumberedEvents) {
    const first = events[0]
    if (started && first !== undefined && first.seq === ring.last + 1) {
      ring.append(events, first.seq + events.length - 1)
      wakeFollowers()
    }
    reach(last)
  }

  /** Sees to it that the ring gets as far as `last`. */
  function reach(last: number) {
    if (last > target) target = last
    if (!started || closing.signal.aborted || ring.last >= target) return
    advancing ??= advance().finally(() => {
      advancing = undefined
      // What came up while the last page was being read.
      reach(target)
    })
  }

  async function advance() {
    while (ring.last < target) {
      if (target - ring.last > ringSize) ring.restart(target - ringSize)
      const upTo = target
      const after = ring.last
      const page = await persist(() => readEventPage(db, { after, upTo, limit: CATCH_UP_PAGE }))
      if (page === undefined) return
      const { events } = page
      // `publish` may have gone ahead meanwhile; the ring skips what it has.
      ring.append(events, events.length < CATCH_UP_PAGE ? upTo : (events.at(-1)?.seq ?? upTo))
      wakeFollowers()
    }
  }

  /** Tries until it succeeds; undefined when the feed was closed instead. */
  async function persist<T>(read: () => Promise<T>): Promise<T | undefined> {
    for (let failures = 0; !closing.signal.aborted; failures += 1) {
      try {
        return await read()
      } catch (error) {
        if (closing.signal.aborted) break
        if (failures === 0) log.warn({ err: error }, 'Events could not be read')
        await pause(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS), closing.signal)
      }
    }
    return undefined
  }

  function wakeFollowers() {
    const woken = [...waiting]
    waiting.clear()
    for (const wake of woken) wake()
  }

  async function lastSeq() {
    if (!started) await Promise.race([ready, pause(READY_MS, closing.signal)])
    if (!started) throw new AppError('unavailable', 'Events cannot be read at the moment.')
    return ring.last
  }

  async function seqBefore({ count, filter }: { count: number; filter: EventFilter }) {
    const upTo = await lastSeq()
    const after = Math.max(0, upTo - STRETCH)
    return readPage(() => readSeqBefore(db, { after, upTo, limit: count, filter }))
  }

  function follow({ after, filter, onGap }: FollowInput, signal: AbortSignal): Following {
    let position: number | undefined
    const ended = () => signal.aborted || closing.signal.aborted

    async function* run(): AsyncGenerator<StoredEvent, void> {
      const matches = compileEventFilter(filter)
      let wake = () => {}
      const onAbort = () => wake()
      signal.addEventListener('abort', onAbort)

      const sleepUnless = (enough: () => boolean) =>
        new Promise<void>((resolve) => {
          waiting.delete(wake)
          if (enough()) return resolve()
          wake = () => {
            waiting.delete(wake)
            resolve()
          }
          waiting.add(wake)
        })

      try {
        await Promise.race([ready, sleepUnless(ended)])
        if (ended()) return
        let cursor = after ?? ring.last
        if (cursor > ring.last) cursor = await skipFuture(cursor, onGap)
        position = cursor

        while (!ended()) {
          const from: number = cursor
          if (from >= ring.last) {
            await sleepUnless(() => ended() || ring.last > from)
          } else if (from >= ring.floor) {
            const event = ring.next(from)
            position = cursor = event?.seq ?? ring.last
            if (event !== undefined && matches(event)) yield event
          } else {
            // Taken before the query: what comes after it may not be skipped as deleted.
            const known = ring.last
            const upTo = Math.min(known, from + STRETCH)
            const page = await readPage(async () =>
              ended() ? null : readEventPage(db, { after: from, upTo, limit: pageSize, filter }),
            )
            if (page === null) return
            const next = page.oldest ?? known + 1
            if (next > from + 1) {
              await onGap?.({ after: from, next })
              position = cursor = next - 1
            }
            for (const event of page.events) {
              position = cursor = event.seq
              yield event
              if (ended()) return
            }
            if (page.events.length < pageSize) position = cursor = Math.max(cursor, upTo)
          }
        }
      } finally {
        signal.removeEventListener('abort', onAbort)
        waiting.delete(wake)
      }
    }

    return { position: () => position, [Symbol.asyncIterator]: run }
  }

  /**
   * A cursor ahead of what is known here: another server may be ahead of this one. A cursor ahead
   * of the database itself comes from another one, e.g. from before a restore.
   */
  async function skipFuture(cursor: number, onGap: FollowInput['onGap']): Promise<number> {
    const last = await readLastSeq(db)
    reach(last)
    if (cursor <= last) return cursor
    await onGap?.({ after: cursor, next: last + 1 })
    return last
  }

  return {
    follow,
    lastSeq,
    seqBefore,
    publish,
    async close() {
      closing.abort()
      unsubscribe?.()
      wakeFollowers()
      await Promise.all([ready, advancing])
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
