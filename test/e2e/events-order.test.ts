import fc from 'fast-check'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalSignals, type Signals } from '../../packages/server/src/db/signals.ts'
import {
  createEventFeed,
  type EventFeed,
  type EventRelay,
  startEventRelay,
} from '../../packages/server/src/events/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { commitEvents, holdEvents, someEvent, take } from '../support/events.ts'
import { quietLog } from '../support/quiet-log.ts'

const everything = { visibleRepositories: null }
const never = new AbortController().signal

let database: TestDatabase
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  database = await createTestDatabase({ maxConnections: 20 })
})

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
  await database.close()
})

interface Server {
  relay: EventRelay
  feed: EventFeed
}

function startServer(
  options: { signals?: Signals; pollMs?: number; batchSize?: number; ringSize?: number } = {},
): Server {
  const { signals, pollMs = 60_000, batchSize = 1000, ringSize = 2000 } = options
  const shared = signals === undefined ? { log: quietLog } : { log: quietLog, signals }
  const feed = createEventFeed({ db: database.db, ringSize, ...shared })
  const relay = startEventRelay({
    pool: database.pool,
    publish: feed.publish,
    pollMs,
    batchSize,
    ...shared,
  })
  closing.push(async () => {
    await relay.close()
    await feed.close()
  })
  return { relay, feed }
}

async function numbers(): Promise<(number | null)[]> {
  const rows = await database.db.selectFrom('events').select('seq').orderBy('seq').execute()
  return rows.map((row) => row.seq)
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe('the order of events', () => {
  it('puts a transaction that commits late behind what readers have already been given', async () => {
    const { relay, feed } = startServer()
    const late = someEvent({ type: 'pipeline.run.started' })
    const early = someEvent({ type: 'pipeline.run.started' })
    const held = await holdEvents(database.db, [late])
    await commitEvents({ db: database.db, wake: relay.wake }, [early])
    const reader = feed.follow({ after: 0, filter: everything }, never)[Symbol.asyncIterator]()
    expect((await reader.next()).value).toMatchObject({ seq: 1, runId: early.runId })
    await held.commit()
    relay.wake()
    expect((await reader.next()).value).toMatchObject({ seq: 2, runId: late.runId })
    await reader.return?.()
  })

  it('is that of insertion among what is committed together', async () => {
    const events = Array.from({ length: 25 }, () => someEvent())
    await commitEvents({ db: database.db }, events.slice(0, 10))
    await commitEvents({ db: database.db }, events.slice(10))
    const { feed } = startServer({ batchSize: 4 })
    const seen = await take(feed.follow({ after: 0, filter: everything }, never), 25)
    expect(seen.map((event) => event.runId)).toEqual(events.map((event) => event.runId))
    expect(seen.map((event) => event.seq)).toEqual(upTo(25))
  })

  it('is one for all readers of two servers, whoever commits and whenever', async () => {
    const signals = createLocalSignals(quietLog)
    const servers = [
      startServer({ signals, batchSize: 3, ringSize: 8 }),
      startServer({ signals, batchSize: 50, ringSize: 2000 }),
    ] as const
    let expected = 0
    await fc.assert(
      fc.asyncProperty(
        // Each writer: transactions of so many events, that hold for so many turns, and may roll back.
        fc.array(
          fc.array(
            fc.record({
              events: fc.integer({ min: 1, max: 4 }),
              turns: fc.integer({ min: 0, max: 6 }),
              rollsBack: fc.boolean(),
              server: fc.nat({ max: 1 }),
            }),
            { minLength: 1, maxLength: 5 },
          ),
          { minLength: 2, maxLength: 8 },
        ),
        async (writers) => {
          const before = expected
          const following = servers.map(({ feed }) =>
            feed.follow({ after: before, filter: everything }, never),
          )
          const written = writers.map(() => [] as string[])
          const writing = writers.map(async (transactions, writer) => {
            for (const { events, turns, rollsBack, server } of transactions) {
              const batch = Array.from({ length: events }, () => someEvent())
              const held = await holdEvents(database.db, batch)
              for (let turn = 0; turn < turns; turn += 1) {
                await new Promise((resolve) => setImmediate(resolve))
              }
              if (rollsBack) {
                await held.rollback()
                continue
              }
              await held.commit()
              written[writer]?.push(...batch.map((event) => event.runId ?? ''))
              expected += events
              servers[server as 0 | 1].relay.wake()
            }
          })
          await Promise.all(writing)
          const seen = await Promise.all(following.map((f) => take(f, expected - before)))
          const [first = [], second = []] = seen
          expect(first.map((event) => event.seq)).toEqual(upTo(expected).slice(before))
          expect(second).toEqual(first)
          const runs = first.map((event) => event.runId ?? '')
          expect(runs.toSorted((a, b) => a.localeCompare(b))).toEqual(
            written.flat().toSorted((a, b) => a.localeCompare(b)),
          )
          for (const own of written) {
            expect(runs.filter((run) => own.includes(run))).toEqual(own)
          }
        },
      ),
      { numRuns: 25 },
    )
    expect(await numbers()).toEqual(upTo(expected))
  })
})

describe('the relay', () => {
  it('numbers what nobody woke it for', async () => {
    const { feed } = startServer({ pollMs: 20 })
    await feed.lastSeq()
    await commitEvents({ db: database.db }, [someEvent()])
    expect(await take(feed.follow({ after: 0, filter: everything }, never), 1)).toHaveLength(1)
  })

  it('waits while another one numbers', async () => {
    const { relay, feed } = startServer()
    await commitEvents({ db: database.db, wake: relay.wake }, [someEvent()])
    await take(feed.follow({ after: 0, filter: everything }, never), 1)
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    closing.push(() => other.end())
    await other.query('begin')
    await other.query('select pg_advisory_xact_lock(1936484720, 1)')
    await commitEvents({ db: database.db, wake: relay.wake }, [someEvent()])
    await expect
      .poll(async () => {
        const result = await other.query(
          `select 1 from pg_locks where locktype = 'advisory' and not granted
             and database = (select oid from pg_database where datname = current_database())`,
        )
        return result.rowCount
      })
      .toBe(1)
    expect(await numbers()).toEqual([1, null])
    await other.query('rollback')
    expect(await take(feed.follow({ after: 1, filter: everything }, never), 1)).toHaveLength(1)
  })

  it('tells other servers, whose feeds read what they did not number', async () => {
    const signals = createLocalSignals(quietLog)
    const one = startServer({ signals })
    const other = startServer({ signals })
    await Promise.all([one.feed.lastSeq(), other.feed.lastSeq()])
    const following = take(other.feed.follow({ filter: everything }, never), 3)
    await other.feed.lastSeq()
    await commitEvents({ db: database.db, wake: one.relay.wake }, [
      someEvent(),
      someEvent(),
      someEvent(),
    ])
    expect((await following).map((event) => event.seq)).toEqual([1, 2, 3])
  })

  it('goes on when its connections are killed, again and again, and loses nothing', async () => {
    const { relay, feed } = startServer({ batchSize: 5, ringSize: 10 })
    const admin = new pg.Client({ connectionString: database.adminUrl })
    await admin.connect()
    closing.push(() => admin.end())
    const total = 120
    const writer = new pg.Pool({ connectionString: database.url, application_name: 'writer' })
    closing.push(() => writer.end())
    const reader = take(feed.follow({ after: 0, filter: everything }, never), total)
    for (let written = 0; written < total; written += 1) {
      const event = someEvent()
      await writer.query(
        `insert into events (event_type, repository, run_id, occurred_at, data)
         values ($1, $2, $3, now(), $4)`,
        [event.type, event.repository, event.runId, JSON.stringify(event.data)],
      )
      relay.wake()
      if (written % 10 === 9) {
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'slipway'`,
        )
      }
    }
    const seen = await reader.catch(() =>
      // A follower whose page could not be read comes back with its cursor, as clients do.
      take(feed.follow({ after: 0, filter: everything }, never), total),
    )
    expect(seen.map((event) => event.seq)).toEqual(upTo(total))
  })

  it('numbers nothing more once it is closed', async () => {
    const { relay } = startServer()
    await relay.close()
    await commitEvents({ db: database.db, wake: relay.wake }, [someEvent()])
    relay.wake()
    await relay.close()
    expect(await numbers()).toEqual([null])
  })
})
