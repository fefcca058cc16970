import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NewEvent } from '../../packages/server/src/db/unit-of-work.ts'
import {
  createEventFeed,
  deleteOldEvents,
  type EventFeed,
  type EventRelay,
  startEventRelay,
} from '../../packages/server/src/events/index.ts'
import { answerErrors } from '../../packages/server/src/http/platform/answer-errors.ts'
import {
  type EventRoutesDeps,
  eventRoutes,
} from '../../packages/server/src/http/platform/routes/events.ts'
import { decoratePrincipal, setPrincipal } from '../../packages/server/src/http/principal.ts'
import { createValidatorCompiler } from '../../packages/server/src/http/validate-input.ts'
import { asDocumented } from '../support/assert-events.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openStream, type OpenStream } from '../support/event-source.ts'
import { commitEvents, someEvent } from '../support/events.ts'
import { quietLog } from '../support/quiet-log.ts'

let database: TestDatabase
let feed: EventFeed
let relay: EventRelay
let stopping: AbortController
let apps: FastifyInstance[]
let streams: OpenStream[]

beforeEach(async () => {
  database = await createTestDatabase()
  feed = createEventFeed({ db: database.db, log: quietLog, ringSize: 50 })
  relay = startEventRelay({ pool: database.pool, publish: feed.publish, log: quietLog })
  stopping = new AbortController()
  apps = []
  streams = []
})

afterEach(async () => {
  for (const stream of streams) stream.leave()
  stopping.abort()
  await Promise.all(apps.map((app) => app.close()))
  await relay.close()
  await feed.close()
  await database.close()
})

/** The routes on a socket, behind a hook that believes what a request says it is. */
async function serve(
  limits: EventRoutesDeps['limits'] = {},
  stillValid?: () => Promise<boolean>,
): Promise<string> {
  const app = Fastify({ forceCloseConnections: true })
  apps.push(app)
  app.setValidatorCompiler(createValidatorCompiler())
  decoratePrincipal(app)
  app.addHook('onRequest', async (request) => {
    const { 'x-principal': id = 'someone', 'x-repositories': visible } = request.headers
    const repositories = typeof visible === 'string' ? visible.split(',') : null
    setPrincipal(request, { id: String(id), name: String(id), roles: ['viewer'], repositories })
    request.stillValid = stillValid
  })
  answerErrors(app, { routes: [], methodsAt: () => [] })
  await app.register(eventRoutes({ feed, signal: stopping.signal, limits }), { prefix: '/v1' })
  return `${await app.listen({ host: '127.0.0.1', port: 0 })}/v1/events`
}

async function open(url: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const stream = await openStream(url, headers)
  streams.push(stream)
  return stream
}

/** Commits so many events and waits until this server has them all. */
async function store(events: readonly NewEvent[]): Promise<void> {
  const before = await feed.lastSeq()
  await commitEvents({ db: database.db, wake: relay.wake }, events)
  await expect.poll(() => feed.lastSeq(), { interval: 2 }).toBe(before + events.length)
}

const some = (count: number) => Array.from({ length: count }, () => someEvent())
const ids = (stream: OpenStream) => stream.events().map((block) => Number(block.id))
const seen = (stream: OpenStream) => expect.poll(() => ids(stream), { interval: 2 })

describe('GET /v1/events', () => {
  it('sends its head and first bytes before anything has happened', async () => {
    const stream = await open(await serve())
    expect(stream.status).toBe(200)
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': expect.stringContaining('no-store') as string,
      'x-accel-buffering': 'no',
    })
    await expect
      .poll(() => stream.blocks)
      .toEqual([{ retry: expect.stringMatching(/^\d+$/) as string }, { id: '0' }])
  })

  it('sends each event as its id, its type and exactly the documented envelope', async () => {
    const url = await serve()
    const stream = await open(url)
    const runId = randomUUID()
    const error_message = 'line one\nline two\r\nid: 7\u2028"end"'
    const data = {
      run_id: runId,
      repository: 'acme/shop',
      commit_sha: 'abc123def456',
      failed_phase: 'build',
      error_message,
    }
    await store([{ type: 'pipeline.run.failed', data, repository: 'acme/shop', runId }])
    await seen(stream).toEqual([1])
    const [block] = stream.events()
    expect(Object.keys(block ?? {})).toEqual(['id', 'event', 'data'])
    expect(block?.event).toBe('pipeline.run.failed')
    const envelope: unknown = JSON.parse(block?.data ?? '')
    expect(asDocumented(envelope)).toEqual({
      event_type: 'pipeline.run.failed',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      data,
    })
  })

  it('begins now, or behind `after`, or, before that, behind Last-Event-ID', async () => {
    await store(some(5))
    const url = await serve()
    const now = await open(url)
    const after = await open(`${url}?after=3`)
    const resumed = await open(`${url}?after=0`, { 'last-event-id': '4' })
    const all = await open(`${url}?after=0`)
    const empty = await open(`${url}?after=2`, { 'last-event-id': '' })
    await store(some(1))
    await seen(now).toEqual([6])
    await seen(after).toEqual([4, 5, 6])
    await seen(resumed).toEqual([5, 6])
    await seen(all).toEqual([1, 2, 3, 4, 5, 6])
    await seen(empty).toEqual([3, 4, 5, 6])
  })

  it('begins with the last so many that it would send, where no cursor says otherwise', async () => {
    const of = (repository: string) => ({ ...someEvent(), repository })
    await store([of('acme/shop'), of('acme/shop'), of('acme/other'), of('acme/shop')])
    const url = await serve()
    const all = await open(`${url}?last=2`)
    const chosen = await open(`${url}?last=2&repository=acme/shop`)
    const more = await open(`${url}?last=100`, { 'x-repositories': 'acme/other' })
    const none = await open(`${url}?last=5&types=build.*`)
    const behind = await open(`${url}?last=1&after=1`)
    await store([of('acme/shop')])
    await seen(all).toEqual([3, 4, 5])
    await seen(chosen).toEqual([2, 4, 5])
    await seen(behind).toEqual([2, 3, 4, 5])
    await store([of('acme/other')])
    await seen(more).toEqual([3, 6])
    await seen(all).toEqual([3, 4, 5, 6])
    expect(ids(none)).toEqual([])
    for (const count of ['0', '101', 'x']) {
      expect((await fetch(`${url}?last=${count}`)).status).toBe(400)
    }
  })

  it('gives a reader whose connection breaks everything once', async () => {
    const url = await serve()
    const total = 300
    const writing = (async () => {
      for (let written = 0; written < total; written += 10) await store(some(10))
    })()
    const got: number[] = []
    let cursor: string | undefined
    while (got.length < total) {
      const stream = await open(url, cursor === undefined ? {} : { 'last-event-id': cursor })
      const enough = Math.min(37, total - got.length)
      await expect.poll(() => ids(stream).length, { interval: 1 }).toBeGreaterThanOrEqual(enough)
      stream.leave()
      got.push(...ids(stream))
      cursor = stream.lastEventId()
    }
    await writing
    expect(got).toEqual(Array.from({ length: total }, (_, index) => index + 1))
  })

  it('sends what was asked for, and of that what the token may see', async () => {
    const runId = randomUUID()
    await store([
      someEvent({ type: 'pipeline.run.started', repository: 'acme/shop' }),
      someEvent({ type: 'pipeline.run.cancelled', repository: 'acme/shop', runId }),
      someEvent({ type: 'pipeline.phase.updated', repository: 'acme/site' }),
      someEvent({ type: 'pipeline.run.started', repository: null }),
    ])
    const url = `${await serve()}?after=0`
    const limited = { 'x-repositories': 'acme/shop,acme/other' }
    const all = [
      { stream: await open(url), expected: [1, 2, 3, 4] },
      { stream: await open(`${url}&types=pipeline.run.*`), expected: [1, 2, 4] },
      {
        stream: await open(`${url}&types=pipeline.run.started,pipeline.phase.updated`),
        expected: [1, 3, 4],
      },
      { stream: await open(`${url}&repository=acme/site`), expected: [3] },
      { stream: await open(`${url}&run_id=${runId.toUpperCase()}`), expected: [2] },
      { stream: await open(url, limited), expected: [1, 2] },
      { stream: await open(`${url}&types=pipeline.phase.*`, limited), expected: [] },
    ]
    // One that everybody gets, behind all others: nothing more can come before it.
    await store([someEvent({ type: 'pipeline.run.started', repository: 'acme/shop', runId })])
    for (const { stream, expected } of all.slice(0, 3)) await seen(stream).toEqual([...expected, 5])
    await seen(all[3]?.stream as OpenStream).toEqual([3])
    await seen(all[4]?.stream as OpenStream).toEqual([2, 5])
    await seen(all[5]?.stream as OpenStream).toEqual([1, 2, 5])
    expect(ids(all[6]?.stream as OpenStream)).toEqual([])
  })

  it.each([
    ['?after=-1', {}, 400],
    ['?after=x', {}, 400],
    ['?types=pipeline.run.exploded', {}, 400],
    ['?types=*', {}, 400],
    ['?run_id=7', {}, 400],
    ['?repository=..', {}, 400],
    ['?after=1', { 'last-event-id': '1; drop' }, 400],
    ['', { 'last-event-id': '99999999999999999999' }, 400],
    ['?repository=acme/site', { 'x-repositories': 'acme/shop' }, 403],
  ])('refuses %s with %o', async (query, headers, status) => {
    const stream = await open(`${await serve()}${query}`, headers)
    expect(stream.status).toBe(status)
    expect(await stream.ended).toBe(true)
    expect(JSON.parse(stream.text())).toHaveProperty('error.code')
  })

  it('does not answer HEAD with a stream', async () => {
    const response = await fetch(await serve(), { method: 'HEAD' })
    expect(response.status).toBe(404)
  })

  it('comments in silence, and moves the cursor past what the filter leaves out', async () => {
    const stream = await open(await serve({ heartbeatMs: 20 }), { 'x-repositories': 'acme/site' })
    await expect.poll(() => stream.blocks.some((block) => block.comment !== undefined)).toBe(true)
    await store(some(3))
    await expect.poll(() => stream.lastEventId()).toBe('3')
    expect(stream.events()).toEqual([])
  })

  it('says that events behind the cursor are gone, even while nothing else happens', async () => {
    await store(some(3))
    await deleteOldEvents(database, { before: new Date(Date.now() + 60_000) })
    // As after a restart: nothing is in memory.
    await feed.close()
    feed = createEventFeed({ db: database.db, log: quietLog })
    const stream = await open(`${await serve()}?after=1&types=pipeline.run.created`)
    await expect.poll(() => stream.events().length).toBe(1)
    const [gap] = stream.events()
    expect(gap).toMatchObject({ id: '3', event: 'slipway.gap' })
    expect(JSON.parse(gap?.data ?? '')).toEqual({
      event_type: 'slipway.gap',
      timestamp: expect.any(String) as string,
      data: { after: 1, next: 4 },
    })
  })
})

describe('a stream of events', () => {
  it('ends as it should when the server stops, and none begins any more', async () => {
    const url = await serve()
    const stream = await open(url)
    stopping.abort()
    expect(await stream.ended).toBe(true)
    expect((await open(url)).status).toBe(503)
  })

  it('is dropped when its reader takes nothing, and costs the others nothing', async () => {
    const url = await serve({ drainMs: 50 })
    const { hostname, port, pathname } = new URL(url)
    const slow = connect(Number(port), hostname)
    await once(slow, 'connect')
    slow.on('error', () => {})
    slow.write(`GET ${pathname} HTTP/1.1\r\nhost: test\r\nx-principal: slow\r\n\r\n`)
    await once(slow, 'data')
    slow.pause()
    const quick = await open(url)
    const connections = () =>
      new Promise<number>((resolve, reject) => {
        apps[0]?.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      })
    expect(await connections()).toBe(2)
    const runId = randomUUID()
    const large: NewEvent = {
      type: 'pipeline.run.failed',
      data: {
        run_id: runId,
        repository: 'acme/shop',
        commit_sha: 'abc123def456',
        failed_phase: 'build',
        error_message: 'x'.repeat(512 * 1024),
      },
      repository: 'acme/shop',
      runId,
    }
    let sent = 0
    await vi.waitFor(
      async () => {
        // More than any kernel keeps for a socket, in the end.
        await store([large, large])
        sent += 2
        expect(await connections()).toBe(1)
      },
      { timeout: 20_000, interval: 10 },
    )
    await seen(quick).toEqual(Array.from({ length: sent }, (_, index) => index + 1))
    slow.destroy()
  })

  it('counts towards its principal’s and its server’s limit, until it is left', async () => {
    const url = await serve({ perPrincipal: 2, total: 3 })
    const as = (id: string) => open(url, { 'x-principal': id })
    const first = await as('a')
    expect([(await as('a')).status, (await as('a')).status]).toEqual([200, 429])
    expect([(await as('b')).status, (await as('b')).status]).toEqual([200, 503])
    first.leave()
    await expect.poll(async () => (await as('b')).status).toBe(200)
    expect((await as('a')).status).toBe(503)
  })

  it('ends when its token is no longer valid', async () => {
    let valid = true
    const url = await serve({ validityMs: 10 }, async () => valid)
    const stream = await open(url)
    await store(some(1))
    await seen(stream).toEqual([1])
    valid = false
    expect(await stream.ended).toBe(true)
  })

  it('survives a check that fails to get an answer, but not three in a row', async () => {
    const answers = ['none', 'none', 'valid']
    let away = false
    let unanswered = 0
    const url = await serve({ validityMs: 10 }, async () => {
      if (away) unanswered += 1
      if (away || answers.shift() === 'none') throw new Error('Nobody can tell')
      return true
    })
    const stream = await open(url)
    await expect.poll(() => answers, { interval: 2 }).toEqual([])
    await store(some(1))
    await seen(stream).toEqual([1])
    away = true
    expect(await stream.ended).toBe(true)
    expect(unanswered).toBe(3)
  })
})
