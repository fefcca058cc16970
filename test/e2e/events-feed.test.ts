import { randomUUID } from 'node:crypto'
import { eventTypes } from '@slipway/contract/events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalSignals } from '../../packages/server/src/db/signals.ts'
import {
  createEventFeed,
  deleteOldEvents,
  type EventFeed,
  type EventFeedDeps,
  type EventFilter,
  type EventGap,
  type EventRelay,
  startEventRelay,
} from '../../packages/server/src/events/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { commitEvents, someEvent, take } from '../support/events.ts'
import { quietLog } from '../support/quiet-log.ts'

const everything = { visibleRepositories: null }
const never = new AbortController().signal
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const seqs = (events: readonly { seq: number }[]) => events.map((event) => event.seq)

let database: TestDatabase
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  database = await createTestDatabase()
})

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
  await database.close()
})

function openFeed(over: Partial<EventFeedDeps> = {}): EventFeed {
  const feed = createEventFeed({ db: database.db, log: quietLog, ...over })
  closing.push(() => feed.close())
  return feed
}

function openRelay(feed: EventFeed): EventRelay {
  const relay = startEventRelay({ pool: database.pool, publish: feed.publish, log: quietLog })
  closing.push(() => relay.close())
  return relay
}

/** Commits so many events and waits until the feed knows them. */
async function store(feed: EventFeed, relay: EventRelay, count: number): Promise<void> {
  const from = await feed.lastSeq()
  const events = Array.from({ length: count }, () => someEvent())
  await commitEvents({ db: database.db, wake: relay.wake }, events)
  await expect.poll(() => feed.lastSeq()).toBe(from + count)
}

describe('a follower', () => {
  it('passes from the database into memory and on to what is live, without a gap', async () => {
    const feed = openFeed({ ringSize: 7, pageSize: 4 })
    const relay = openRelay(feed)
    await store(feed, relay, 20)
    const seen: number[] = []
    for await (const event of feed.follow({ after: 0, filter: everything }, never)) {
      seen.push(event.seq)
      // More than the ring holds goes by while this reader is busy, again and again.
      if (event.seq % 25 === 0 && event.seq < 150) await store(feed, relay, 25)
      if (event.seq === 20) await store(feed, relay, 5)
      if (event.seq === 150) break
    }
    expect(seen).toEqual(upTo(150))
  })

  it('resumes behind any event', async () => {
    const feed = openFeed({ ringSize: 10, pageSize: 3 })
    await store(feed, openRelay(feed), 30)
    for (let after = 0; after < 30; after += 1) {
      const following = feed.follow({ after, filter: everything }, never)
      expect(seqs(await take(following, 30 - after))).toEqual(upTo(30).slice(after))
    }
  })

  it('without a cursor begins now', async () => {
    const feed = openFeed()
    const relay = openRelay(feed)
    await store(feed, relay, 3)
    const following = feed.follow({ filter: everything }, never)
    const next = take(following, 1)
    await expect.poll(() => following.position()).toBe(3)
    await store(feed, relay, 1)
    expect(seqs(await next)).toEqual([4])
  })

  it('says how far it is, also past what its filter leaves out', async () => {
    const feed = openFeed()
    const relay = openRelay(feed)
    const following = feed.follow({ after: 0, filter: { visibleRepositories: [] } }, never)
    const none = take(following, 1)
    await store(feed, relay, 12)
    await expect.poll(() => following.position()).toBe(12)
    await feed.close()
    expect(await none).toEqual([])
  })

  it('is one of a thousand that all see each event', async () => {
    const feed = openFeed()
    const relay = openRelay(feed)
    await feed.lastSeq()
    const following = Array.from({ length: 1000 }, () =>
      take(feed.follow({ after: 0, filter: everything }, new AbortController().signal), 3),
    )
    await store(feed, relay, 3)
    const seen = await Promise.all(following)
    expect(new Set(seen.map((events) => seqs(events).join()))).toEqual(new Set(['1,2,3']))
    // One object for all of them: an event is written as JSON once.
    expect(new Set(seen.map((events) => events[0])).size).toBe(1)
  })

  it('ends without an error when its signal aborts, and when the feed closes', async () => {
    const feed = openFeed()
    const leaving = new AbortController()
    const first = take(feed.follow({ filter: everything }, leaving.signal), 1)
    const second = take(feed.follow({ filter: everything }, never), 1)
    await feed.lastSeq()
    leaving.abort()
    expect(await first).toEqual([])
    await feed.close()
    expect(await second).toEqual([])
    expect(await take(feed.follow({ after: 0, filter: everything }, never), 1)).toEqual([])
    expect(await take(feed.follow({ filter: everything }, AbortSignal.abort()), 1)).toEqual([])
  })

  it('reads what other servers numbered when signals may have been missed', async () => {
    const signals = createLocalSignals(quietLog)
    const numbering = openFeed()
    const relay = openRelay(numbering)
    // Signals that are lost, and then a connection that comes back: null.
    let reconnected: (() => void) | undefined
    const feed = openFeed({
      signals: {
        ...signals,
        on: (channel, listener) => {
          reconnected = () => listener(null)
          return signals.on(channel, listener)
        },
      },
    })
    await feed.lastSeq()
    await store(numbering, relay, 5)
    expect(await feed.lastSeq()).toBe(0)
    reconnected?.()
    expect(seqs(await take(feed.follow({ after: 0, filter: everything }, never), 5))).toEqual(
      upTo(5),
    )
  })

  it('takes a cursor that another server is ahead with', async () => {
    const numbering = openFeed()
    const relay = openRelay(numbering)
    const behind = openFeed()
    await behind.lastSeq()
    await store(numbering, relay, 9)
    const gaps: EventGap[] = []
    const following = behind.follow(
      { after: 8, filter: everything, onGap: (gap) => void gaps.push(gap) },
      never,
    )
    expect(seqs(await take(following, 1))).toEqual([9])
    expect(gaps).toEqual([])
  })
})

describe('a filter', () => {
  const repositories = ['acme/shop', 'acme/site', 'acme_/shop', 'other/shop']
  const runs = [randomUUID(), randomUUID()]
  const filters: fc.Arbitrary<EventFilter> = fc
    .record({
      types: fc.option(
        fc.record({
          exact: fc.subarray([...eventTypes]),
          prefixes: fc.subarray(['pipeline.run.', 'pipeline.phase.', 'pipeline.', 'pipeline_run.']),
        }),
      ),
      repository: fc.option(fc.constantFrom(...repositories)),
      runId: fc.option(fc.constantFrom(...runs)),
      visibleRepositories: fc.option(fc.subarray(repositories)),
    })
    .map(({ types, repository, runId, visibleRepositories }) => ({
      visibleRepositories,
      ...(types === null ? {} : { types }),
      ...(repository === null ? {} : { repository }),
      ...(runId === null ? {} : { runId }),
    }))

  it('lets the same events through in memory and in the database', async () => {
    const inMemory = openFeed({ ringSize: 1000 })
    const relay = openRelay(inMemory)
    const all = eventTypes.flatMap((type) =>
      [...repositories, null].flatMap((repository) =>
        runs.map((runId) => someEvent({ type, repository, runId })),
      ),
    )
    await inMemory.lastSeq()
    await commitEvents({ db: database.db, wake: relay.wake }, all)
    await expect.poll(() => inMemory.lastSeq()).toBe(all.length)
    // Begins behind all of them: whatever it gives out, it has read.
    const inDatabase = openFeed({ pageSize: 6 })
    const drain = async (feed: EventFeed, filter: EventFilter) => {
      const done = new AbortController()
      const following = feed.follow({ after: 0, filter }, done.signal)
      const seen: number[] = []
      const reading = (async () => {
        for await (const event of following) seen.push(event.seq)
      })()
      await expect.poll(() => following.position(), { interval: 1 }).toBe(all.length)
      done.abort()
      await reading
      return seen
    }
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const expected = all.flatMap((event, index) => {
          const { types, repository, runId, visibleRepositories } = filter
          const holds =
            (visibleRepositories === null ||
              (event.repository !== null && visibleRepositories.includes(event.repository))) &&
            (repository === undefined || event.repository === repository) &&
            (runId === undefined || event.runId === runId) &&
            (types === undefined ||
              types.exact.includes(event.type) ||
              types.prefixes.some((prefix) => event.type.startsWith(prefix)))
          return holds ? [index + 1] : []
        })
        expect(await drain(inMemory, filter)).toEqual(expected)
        expect(await drain(inDatabase, filter)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })
})

describe('retention', () => {
  const day = 86_400_000

  /** Stores events that happened so many days ago, numbered in this order. */
  async function storeAged(days: readonly number[]): Promise<void> {
    await database.db
      .insertInto('events')
      .values(
        days.map((age, index) => ({
          event_type: 'pipeline.run.started',
          occurred_at: new Date(Date.now() - age * day),
          data: '{}',
          seq: index + 1,
        })),
      )
      .execute()
    await database.db.updateTable('event_sequence').set({ last: days.length }).execute()
  }

  async function kept(): Promise<(number | null)[]> {
    const rows = await database.db.selectFrom('events').select('seq').orderBy('id').execute()
    return rows.map((row) => row.seq)
  }

  const ninetyDays = () => new Date(Date.now() - 90 * day)

  it('deletes what is old, in batches, and never from the middle', async () => {
    await storeAged([100, 99, 98, 91, 91, 80, 95, 1])
    expect(await deleteOldEvents(database, { before: ninetyDays(), batchSize: 2 })).toBe(5)
    expect(await kept()).toEqual([6, 7, 8])
    expect(await deleteOldEvents(database, { before: ninetyDays(), batchSize: 2 })).toBe(0)
  })

  it('keeps what nobody has numbered yet, and stops when told', async () => {
    await storeAged([100, 100])
    await database.db
      .insertInto('events')
      .values({ event_type: 'x', occurred_at: new Date(0), data: '{}' })
      .execute()
    const before = ninetyDays()
    expect(await deleteOldEvents(database, { before, signal: AbortSignal.abort() })).toBe(0)
    expect(await deleteOldEvents(database, { before })).toBe(2)
    expect(await kept()).toEqual([null])
  })

  it('makes a follower begin with the oldest that is kept, and says so', async () => {
    await storeAged([100, 99, 98, 1, 1])
    const feed = openFeed({ ringSize: 1, pageSize: 2 })
    await deleteOldEvents(database, { before: ninetyDays() })
    const gaps: EventGap[] = []
    const onGap = (gap: EventGap) => void gaps.push(gap)
    expect(
      seqs(await take(feed.follow({ after: 1, filter: everything, onGap }, never), 2)),
    ).toEqual([4, 5])
    expect(gaps).toEqual([{ after: 1, next: 4 }])
    expect(
      seqs(await take(feed.follow({ after: 3, filter: everything, onGap }, never), 2)),
    ).toEqual([4, 5])
    expect(gaps).toHaveLength(1)
  })

  it('of everything, and a cursor from another database, leave what comes next', async () => {
    await storeAged([100, 99, 98])
    const feed = openFeed()
    const relay = openRelay(feed)
    await deleteOldEvents(database, { before: ninetyDays() })
    const gaps: EventGap[] = []
    const onGap = (gap: EventGap) => void gaps.push(gap)
    const following = [0, 1000].map((after) =>
      take(feed.follow({ after, filter: everything, onGap }, never), 1),
    )
    await expect.poll(() => gaps.length).toBe(2)
    await store(feed, relay, 1)
    expect((await Promise.all(following)).map(seqs)).toEqual([[4], [4]])
    expect(gaps.toSorted((a, b) => a.after - b.after)).toEqual([
      { after: 0, next: 4 },
      { after: 1000, next: 4 },
    ])
  })
})
