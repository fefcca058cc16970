// What `GET /v1/steps/{id}/logs` does with the streams it holds open: how many, for whom, how long.
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CreatedToken } from '@slipway/contract/access'
import { createEventFeed, type EventFeed } from '../../packages/server/src/events/index.ts'
import { type Listener, listen } from '../../packages/server/src/http/listen.ts'
import type { LogStore, LogWriter } from '../../packages/server/src/logs/index.ts'
import { key, type LogPlace, makeLogPlace } from '../ports/log-place.ts'
import { openStream, type OpenStream } from '../support/event-source.ts'
import { createTestApp, type TestApp } from '../support/http.ts'
import { quietLog } from '../support/quiet-log.ts'

const id = '018f0000-0000-7000-8000-000000000000'
const asEvents = { accept: 'text/event-stream' }

let place: LogPlace
let logs: LogStore
let writer: LogWriter
let feed: EventFeed
let stopping: AbortController
let linkIsGood: boolean
let test: TestApp
let listener: Listener
let streams: OpenStream[]

beforeEach(async () => {
  place = await makeLogPlace()
  logs = place.makeStore()
  writer = await logs.open(key, { secrets: [] })
  stopping = new AbortController()
  linkIsGood = true
  streams = []
  test = await createTestApp(
    { verifySignedLink: ({ query }) => linkIsGood && query['expires'] === '1' },
    (db) => {
      feed = createEventFeed({ db, log: quietLog })
      const logLimits = { perPrincipal: 2, total: 3, validityMs: 10 }
      return { logs, feed, signal: stopping.signal, logLimits }
    },
  )
  await insertRunningStep()
  await writer.write(Buffer.from('first\n'))
  const at = { host: '127.0.0.1', port: 0, compatPorts: [], graceMs: 100 }
  listener = await listen({ app: test.app, log: pino({ enabled: false }) }, at)
})
afterEach(async () => {
  for (const stream of streams) stream.leave()
  await listener.close()
  await feed.close()
  await test.close()
  await place.dispose()
})

async function insertRunningStep(): Promise<void> {
  await test.database.pool.query(`
    with run as (
      insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                        repository_ordinal, branch_ordinal)
      values ('${id}', 'acme/shop', 'main', 'abc1234', 'running', 'push', 'ada', 1, 1)
    ), phase as (
      insert into phases (id, run_id, position, name, group_number, timeout_ms)
      values ('${id}', '${id}', 1, 'build', 1, 1000)
    ), task as (
      insert into tasks (id, run_id, phase_id, position, project_name, project_path)
      values ('${id}', '${id}', '${id}', 1, 'app', '.')
    )
    insert into steps (id, run_id, task_id, position, name, definition, status, log_key)
    values ('${id}', '${id}', '${id}', 1, 'compile', '{}', 'running', '${key}')`)
}

async function open(query: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const stream = await openStream(
    `${listener.url}/v1/steps/${id}/logs?follow=true${query}`,
    headers,
  )
  streams.push(stream)
  return stream
}

const withToken = (token = test.token, more: Record<string, string> = {}) =>
  open('', { authorization: `Bearer ${token}`, ...more })
const withLink = (more: Record<string, string> = {}) => open('&expires=1&signature=s', more)
const hasBegun = (stream: OpenStream) =>
  expect.poll(() => stream.text(), { interval: 2 }).toContain('first')

/** That the reader can tell the rest is missing: the body did not end in order, and nothing said `end`. */
async function breaksOff(stream: OpenStream): Promise<void> {
  expect(await stream.ended).toBe(false)
  expect(stream.text()).not.toContain('event: end')
}

describe('a followed log', () => {
  it('ends in order when there is no more of it', async () => {
    const plain = await withToken()
    const events = await withLink(asEvents)
    await Promise.all([hasBegun(plain), hasBegun(events)])
    await writer.seal()
    expect([await plain.ended, await events.ended]).toEqual([true, true])
    expect(plain.text()).toBe('first\n')
    expect(events.text()).toContain('event: end')
  })

  it('breaks off when the server stops, so that its readers come back', async () => {
    const plain = await withToken()
    const events = await withToken(test.token, asEvents)
    await Promise.all([hasBegun(plain), hasBegun(events)])
    stopping.abort()
    await Promise.all([breaksOff(plain), breaksOff(events)])
  })

  it('breaks off when its token is revoked', async () => {
    const body = { name: 'ada', roles: ['viewer'] }
    const made = (await test.request('POST', '/v1/tokens', { body })).json<CreatedToken>()
    const stream = await withToken(made.token)
    await hasBegun(stream)
    await test.request('DELETE', `/v1/tokens/${made.id}`)
    await breaksOff(stream)
  })

  it('breaks off when its signed link expires', async () => {
    const stream = await withLink(asEvents)
    await hasBegun(stream)
    linkIsGood = false
    await breaksOff(stream)
    expect((await withLink()).status).toBe(401)
  })

  it('counts towards the limit of its token, of all links, and of the server, until it is left', async () => {
    const first = await withLink()
    expect([(await withLink()).status, (await withLink()).status]).toEqual([200, 429])
    expect([(await withToken()).status, (await withToken()).status]).toEqual([200, 503])
    first.leave()
    await expect.poll(async () => (await withToken()).status).toBe(200)
    expect((await withLink()).status).toBe(503)
  })
})
