// For how long things are kept: shown, tried, changed, and taken up by whoever removes them.
import {
  PreviewRetentionResponse,
  RetentionResponse,
  type RetentionTime,
} from '@slipway/contract/retention'
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { v7 as uuid } from 'uuid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configuredTimes, openRetention } from '../../packages/server/src/compose/open-retention.ts'
import { deleteOldEvents } from '../../packages/server/src/events/index.ts'
import { openKeptTimes } from '../../packages/server/src/retention/index.ts'
import { createTestApp, type TestApp } from '../support/http.ts'

const dayMs = 86_400_000
/** As a server has it whose slipway.yaml sets the time of events. */
const config = {
  retention: { runsMs: 90 * dayMs, logsMs: 7 * dayMs, jobsMs: 7 * dayMs, eventsMs: 36 * 3_600_000 },
  retentionOfFile: ['events'],
  s3: null,
  environments: [],
} as const

let test: TestApp
beforeEach(async () => {
  test = await createTestApp({}, (db) => ({ retention: openRetention(config, db) }))
})
afterEach(() => test.close())

async function ask<T>(schema: TSchema, path: string, token?: string): Promise<T> {
  const answer = await test.request('GET', path, token === undefined ? {} : { token })
  expect(answer.statusCode, answer.body).toBe(200)
  expect([...Value.Errors(schema, answer.json())]).toEqual([])
  return answer.json<T>()
}
const shown = async () =>
  (await ask<RetentionResponse>(RetentionResponse, '/v1/retention')).retention
const timeOf = async (kind: string): Promise<RetentionTime> => {
  const time = (await shown()).find((one) => one.kind === kind)
  if (time === undefined) throw new Error(`nothing says how long ${kind} are kept`)
  return time
}
const change = (body: object, token?: string) =>
  test.request('PUT', '/v1/retention', { body, ...(token === undefined ? {} : { token }) })
async function removes(query = '') {
  const path = `/v1/retention/preview${query}`
  const answer = await ask<PreviewRetentionResponse>(PreviewRetentionResponse, path)
  return Object.fromEntries(answer.removes.map(({ what, rows }) => [what, rows]))
}

/** Runs of a repository that ended so many days ago, the first one first; null: it has not. */
async function ran(repository: string, ...days: readonly (number | null)[]) {
  for (const [index, ago] of days.entries()) {
    await test.database.pool.query(
      `insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                         repository_ordinal, branch_ordinal, started_at, completed_at)
       values ($1, $2, 'main', lpad($3::bigint::text, 40, '0'), $4, 'push', 'alice', $3, $3,
               now() - interval '400 days', now() - $5 * interval '1 day')`,
      [uuid(), repository, index + 1, ago === null ? 'running' : 'success', ago],
    )
  }
  await test.database.pool.query(
    `insert into run_ordinals (repository, branch, last) values ($1, '', $2)`,
    [repository, days.length],
  )
}

async function happened(seq: number, daysAgo: number) {
  await test.database.pool.query(
    `insert into events (seq, event_type, occurred_at, data)
     values ($1, 'run.created', now() - $2 * interval '1 day', '{}')`,
    [seq, daysAgo],
  )
}

describe('GET /v1/retention', () => {
  it('says for how long, why, how much there is, and that no pass was yet', async () => {
    await ran('acme/shop', 1, 1)
    const times = await shown()
    expect(times.map(({ kind, kept, source }) => [kind, kept, source])).toEqual([
      ['runs', '90d', 'default'],
      ['logs', '7d', 'default'],
      ['jobs', '7d', 'default'],
      ['events', '36h', 'file'],
      ['audit', '365d', 'built-in'],
    ])
    expect(times.map((time) => time.fixed_because === null)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
    const [runs] = times
    expect(runs).toMatchObject({ kept_seconds: 90 * 86_400, changed_by: null, changed_at: null })
    expect(runs?.parts.map(({ what, rows }) => [what, rows])).toEqual([
      ['runs', 2],
      ['builds', 0],
      ['delegated jobs', 0],
    ])
    expect(runs?.parts[0]).toMatchObject({
      estimated: false,
      bytes: expect.any(Number),
      last_pass: null,
      next_pass_at: null,
    })
    expect((await timeOf('logs')).parts).toMatchObject([{ rows: 2, bytes: null }])
  })

  it('says what the last pass removed, and when the next one is', async () => {
    const kept = openKeptTimes({ db: test.database.db }, configuredTimes(config))
    await kept.note('runs', 3)
    await kept.note('runs', 7)
    const [runs, builds] = (await timeOf('runs')).parts
    expect(builds?.last_pass).toBeNull()
    expect(runs?.last_pass?.removed).toBe(7)
    const [last, next] = [runs?.last_pass?.ended_at, runs?.next_pass_at].map((at) =>
      Date.parse(at ?? ''),
    )
    expect((next ?? 0) - (last ?? 0)).toBe(3_600_000)
  })

  it('estimates what is too much to count', async () => {
    await test.database.pool.query(
      `insert into audit_log (actor, action, resource, address, outcome, request_id)
       select 'a', 'GET', '/', '::1', 200, 'r' from generate_series(1, 12000)`,
    )
    await test.database.pool.query('analyze audit_log')
    expect((await timeOf('audit')).parts).toMatchObject([{ rows: 12_000, estimated: true }])
  })
})

describe('GET /v1/retention/preview', () => {
  it('counts what would go now, and with other times, as the passes go', async () => {
    // Behind a run that is still active, or too young, nothing goes.
    await ran('acme/shop', 100, 95, 10, 93)
    await ran('acme/web', null, 100)
    await ran('acme/api', 30, 20)
    await happened(1, 3)
    await happened(2, 1)
    await happened(3, 5)
    expect(await removes()).toMatchObject({ runs: 2, events: 1, 'logs of runs': 7 })
    expect(await removes('?runs=15d&logs=50d')).toMatchObject({ runs: 4, 'logs of runs': 4 })
    expect(await removes('?runs=9d&events=12h')).toMatchObject({ runs: 6, events: 3 })
    expect(await removes('?runs=3650d&events=30d')).toMatchObject({ runs: 0, events: 0 })
  })

  it('stops counting at 10,000', async () => {
    await test.database.pool.query(
      `insert into events (seq, event_type, occurred_at, data)
       select n, 'run.created', now() - interval '9 days', '{}' from generate_series(1, 10050) as n`,
    )
    const { removes: counts } = await ask<PreviewRetentionResponse>(
      PreviewRetentionResponse,
      '/v1/retention/preview',
    )
    expect(counts.find(({ kind }) => kind === 'events')).toMatchObject({
      rows: 10_000,
      at_least: true,
    })
  })
})

describe('PUT /v1/retention', () => {
  it('changes times, says who did, and takes them back', async () => {
    const answer = await change({ runs: '30d', jobs: '36h' })
    expect(answer.statusCode).toBe(200)
    expect([...Value.Errors(RetentionResponse, answer.json())]).toEqual([])
    expect(await timeOf('runs')).toMatchObject({
      kept: '30d',
      kept_seconds: 30 * 86_400,
      source: 'changed',
      unchanged: '90d',
      changed_by: 'admin',
      changed_at: expect.any(String),
    })
    expect(await timeOf('jobs')).toMatchObject({ kept: '36h', source: 'changed' })
    expect(await timeOf('logs')).toMatchObject({ kept: '7d', source: 'default' })
    expect((await change({ runs: null })).statusCode).toBe(200)
    expect(await timeOf('runs')).toMatchObject({ kept: '90d', source: 'default', changed_by: null })
    const { rows } = await test.database.pool.query(
      `select actor, outcome from audit_log where action = 'PUT /v1/retention'`,
    )
    expect(rows).toEqual([
      { actor: 'admin', outcome: 200 },
      { actor: 'admin', outcome: 200 },
    ])
  })

  it('holds at the next pass of every server that is running', async () => {
    const { db } = test.database
    const elsewhere = openKeptTimes({ db }, configuredTimes({ ...config, retentionOfFile: [] }))
    expect((await elsewhere.read()).runs).toBe(90 * dayMs)
    await change({ runs: '12h', logs: '1h' })
    expect(await elsewhere.read()).toEqual({
      runs: 12 * 3_600_000,
      logs: 3_600_000,
      jobs: 7 * dayMs,
      events: 36 * 3_600_000,
    })
  })

  it('names every problem, and changes nothing then', async () => {
    const answer = await change({ runs: 'soon', logs: '59m', jobs: '3651d', events: '1d' })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toMatchObject({
      code: 'invalid_request',
      details: {
        problems: [
          { path: '/runs', message: '"soon" is not a duration such as 30s, 12h or 90d' },
          { path: '/logs', message: 'must be from 1h to 3650d' },
          { path: '/jobs', message: 'must be from 1h to 3650d' },
          { path: '/events', message: 'cannot be changed here: slipway.yaml sets it' },
        ],
      },
    })
    expect((await change({ runs: '30d', events: '1d' })).statusCode).toBe(400)
    expect(await timeOf('runs')).toMatchObject({ source: 'default' })
    for (const body of [{}, { audit: '1d' }, { runs: 30 }]) {
      expect((await change(body)).statusCode, JSON.stringify(body)).toBe(400)
    }
    const tried = await test.request('GET', '/v1/retention/preview?runs=0d')
    expect(tried.statusCode).toBe(400)
  })

  it('gives way to what slipway.yaml or the bucket has come to say', async () => {
    await change({ runs: '30d' })
    const { db } = test.database
    const read = (more: object) =>
      openKeptTimes({ db }, configuredTimes({ ...config, ...more })).read()
    expect((await read({})).runs).toBe(30 * dayMs)
    expect((await read({ retentionOfFile: ['runs'] })).runs).toBe(90 * dayMs)
    expect((await read({ s3: {} })).runs).toBe(90 * dayMs)
  })

  it('is for administrators, and looking for operators, who see everything', async () => {
    const operator = await test.tokenFor(['operator'])
    await ask(RetentionResponse, '/v1/retention', operator)
    expect((await change({ runs: '30d' }, operator)).statusCode).toBe(403)
    const developer = await test.tokenFor(['developer'])
    const limited = await test.tokenFor(['admin'], { repositories: ['acme/shop'] })
    for (const token of [developer, limited]) {
      for (const path of ['/v1/retention', '/v1/retention/preview']) {
        expect((await test.request('GET', path, { token })).statusCode).toBe(403)
      }
      expect((await change({ runs: '30d' }, token)).statusCode).toBe(403)
    }
  })
})

it('removes what a preview has counted', async () => {
  for (const [index, days] of [9, 8, 1].entries()) await happened(index + 1, days)
  const before = new Date(Date.now() - 36 * 3_600_000)
  const counted = (await removes())['events']
  expect(await deleteOldEvents({ db: test.database.db }, { before })).toBe(counted)
})
