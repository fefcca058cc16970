import {
  type PipelineMetricsResponse,
  PipelineMetricsResponse as ResponseSchema,
} from '@slipway/contract/pipelines'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleRun, watchRepository } from '../support/monitor.ts'
import { createPipelinesApp, type PipelinesApp } from '../support/pipelines-app.ts'

const path = '/api/v2/pipelines/metrics'
const hour = 3_600_000
let test: PipelinesApp
let ids = 0
let away = false

beforeAll(async () => {
  test = await createPipelinesApp({
    source: { ensureRepository: async () => (away ? 'away' : 'missing') },
  })
})
afterAll(() => test.close())

async function ask(query = '', token?: string): Promise<PipelineMetricsResponse> {
  const answer = await test.request('GET', `${path}${query}`, token === undefined ? {} : { token })
  expect(answer.statusCode, answer.body).toBe(200)
  const body = answer.json<PipelineMetricsResponse>()
  expect(Value.Check(ResponseSchema, body)).toBe(true)
  return body
}

/** A run created so many hours ago that took so many seconds. */
function run(hoursAgo: number, seconds: number, more: object = {}) {
  const createdAt = new Date(Math.floor((Date.now() - hoursAgo * hour) / 1000) * 1000)
  const updatedAt = new Date(createdAt.getTime() + seconds * 1000)
  return sampleRun({ id: ++ids, createdAt, runStartedAt: createdAt, updatedAt, ...more })
}

const zero = {
  total: 0,
  successful: 0,
  failed: 0,
  cancelled: 0,
  successRate: 0,
  failureRate: 0,
  averageDuration: 0,
  medianDuration: 0,
}

describe('GET /api/v2/pipelines/metrics', () => {
  it('answers as the document shows', async () => {
    const polledAt = new Date()
    const repo = await watchRepository(test.database.db, 'owner/repo-name', { polledAt })
    const many = (count: number, seconds: number, conclusion: string) =>
      Array.from({ length: count }, (_, n) => run(24 + n, seconds, { conclusion }))
    await test.storeRuns(repo, [
      ...many(85, 220, 'success'),
      ...many(12, 400, 'failure'),
      ...many(3, 166, 'cancelled'),
      // Older than the range.
      run(24 * 40, 9_999, { conclusion: 'failure' }),
    ])
    expect(await ask()).toEqual({
      metrics: {
        'owner/repo-name': {
          total: 100,
          successful: 85,
          failed: 12,
          cancelled: 3,
          successRate: 85,
          failureRate: 12,
          averageDuration: 240,
          medianDuration: 220,
        },
      },
      timeRange: '30d',
      timestamp: expect.any(String),
      metadata: { cachedAt: polledAt.toISOString(), stale: false },
    })
  })

  it('counts the unfinished in the total only, and knows every end', async () => {
    const repo = await watchRepository(test.database.db, 'acme/ends')
    const ends = ['success', 'neutral', 'skipped', 'failure', 'timed_out', 'startup_failure']
    await test.storeRuns(repo, [
      ...ends.map((conclusion) => run(1, 100, { conclusion })),
      run(1, 100, { conclusion: 'cancelled' }),
      run(1, 0, { githubStatus: 'in_progress', conclusion: null }),
      run(1, 0, { githubStatus: 'queued', conclusion: null }),
    ])
    const { metrics } = await ask('?repository=acme/ends&timeRange=24h')
    expect(metrics).toEqual({
      'acme/ends': {
        total: 9,
        successful: 3,
        failed: 3,
        cancelled: 1,
        successRate: 42.86,
        failureRate: 42.86,
        averageDuration: 100,
        medianDuration: 100,
      },
    })
  })

  it('leaves skipped runs out of durations, and takes the middle of two for the median', async () => {
    const repo = await watchRepository(test.database.db, 'acme/durations')
    await test.storeRuns(repo, [
      run(1, 10),
      run(1, 20),
      run(1, 31),
      run(1, 1000),
      run(1, 1, { conclusion: 'skipped' }),
    ])
    const { metrics } = await ask('?repository=acme/durations&timeRange=1h')
    // One hour ago is within an hour only just: what is older by then is gone.
    expect(metrics['acme/durations']?.total).toBe(0)
    const day = (await ask('?repository=acme/durations&timeRange=1d')).metrics['acme/durations']
    expect(day).toMatchObject({ total: 5, averageDuration: 265, medianDuration: 26 })
  })

  it('follows changes at once, also where it has counted before', async () => {
    const repo = await watchRepository(test.database.db, 'acme/changes')
    const one = run(2, 60, { githubStatus: 'in_progress', conclusion: null })
    await test.storeRuns(repo, [one])
    const measured = async () => (await ask('?repository=acme/changes')).metrics['acme/changes']
    expect(await measured()).toMatchObject({ total: 1, successful: 0, successRate: 0 })
    await test.storeRuns(repo, [{ ...one, githubStatus: 'completed', conclusion: 'success' }])
    expect(await measured()).toMatchObject({ total: 1, successful: 1, successRate: 100 })
    // A repeated run counts once, as its newest attempt.
    await test.storeRuns(repo, [
      { ...one, attempt: 2, githubStatus: 'completed', conclusion: 'failure' },
    ])
    expect(await measured()).toMatchObject({ total: 1, successful: 0, failed: 1, failureRate: 100 })
  })

  it('filters by branch', async () => {
    const repo = await watchRepository(test.database.db, 'acme/branches')
    await test.storeRuns(repo, [run(3, 60), run(3, 90, { branch: 'develop' })])
    const { metrics } = await ask('?repository=Acme/Branches&branch=develop')
    expect(metrics).toEqual({
      'acme/branches': expect.objectContaining({ total: 1, averageDuration: 90 }),
    })
  })

  it.each(['7d', '24h', '2w', '1h', '365d', '52w', '8760h'])(
    'takes the range %s',
    async (range) => {
      expect((await ask(`?timeRange=${range}`)).timeRange).toBe(range)
    },
  )

  it.each(['0h', '366d', '53w', '30', 'd', '7D', '1.5d', '-7d', '7m', '7days', '%20'])(
    'refuses the range %s with 400',
    async (range) => {
      const answer = await test.request('GET', `${path}?timeRange=${range}`)
      expect(answer.statusCode).toBe(400)
      expect(answer.json()).toMatchObject({
        error: 'Bad Request',
        details: expect.stringContaining('timeRange must be a number followed by h, d or w'),
      })
    },
  )

  it.each(['repository=nobody', 'branch=', 'days=7', 'timeRange='])(
    'refuses ?%s with 400',
    async (query) => {
      const answer = await test.request('GET', `${path}?${query}`)
      expect(answer.statusCode).toBe(400)
      expect(answer.json<{ error: string }>().error).toBe('Bad Request')
    },
  )

  it('reports zeros for a repository without runs', async () => {
    await watchRepository(test.database.db, 'acme/empty')
    expect((await ask('?repository=acme/empty')).metrics).toEqual({ 'acme/empty': zero })
  })

  it('says which figures may lack runs, and hides no other for it', async () => {
    const { db } = test.database
    await watchRepository(db, 'acme/broken', { pollError: 'GitHub answers 502' })
    const since = new Date(Date.now() - 48 * hour)
    await watchRepository(db, 'acme/partial', { completeSince: since })
    await watchRepository(db, 'acme/new', { completeSince: null })
    const { metrics, errors } = await ask('?timeRange=7d')
    expect(metrics['owner/repo-name']?.total).toBeGreaterThan(0)
    expect(metrics['acme/broken']).toEqual(zero)
    expect(errors).toEqual({
      'acme/broken': 'GitHub answers 502',
      'acme/partial': `Runs before ${since.toISOString()} are not stored`,
      'acme/new': 'Its runs are still being fetched',
    })
    expect((await ask('?repository=acme/partial&timeRange=24h')).errors).toBeUndefined()
  })

  it('says how old the figures are', async () => {
    const polledAt = new Date(Date.now() - 120_000)
    await watchRepository(test.database.db, 'acme/aged', { polledAt })
    const { metadata } = await ask('?repository=acme/aged')
    expect(metadata).toEqual({ cachedAt: polledAt.toISOString(), stale: true })
  })

  it('shows a limited token its own repositories only', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/ends'] })
    expect(Object.keys((await ask('', token)).metrics)).toEqual(['acme/ends'])
    const other = await test.request('GET', `${path}?repository=acme/empty`, { token })
    expect(other.statusCode).toBe(403)
  })

  it('answers 404 for an unknown repository, 503 where GitHub cannot be asked, 401 without a token', async () => {
    const missing = await test.request('GET', `${path}?repository=acme/missing`)
    expect(missing.statusCode).toBe(404)
    away = true
    const unasked = await test.request('GET', `${path}?repository=acme/missing`)
    away = false
    expect(unasked.statusCode).toBe(503)
    expect(unasked.headers['retry-after']).toBe('60')
    expect((await test.request('GET', path, { token: null })).statusCode).toBe(401)
  })
})
