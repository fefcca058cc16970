import {
  type PipelineStatusResponse,
  PipelineStatusResponse as ResponseSchema,
} from '@slipway/contract/pipelines'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleJob, sampleRun, sampleStep, watchRepository } from '../support/monitor.ts'
import { createPipelinesApp, type PipelinesApp } from '../support/pipelines-app.ts'

const path = '/api/v2/pipelines/status'
let test: PipelinesApp

beforeAll(async () => {
  test = await createPipelinesApp()
})
afterAll(() => test.close())

async function ask(query = '', token?: string | null): Promise<PipelineStatusResponse> {
  const options = token === undefined ? {} : { token }
  const answer = await test.request('GET', `${path}${query}`, options)
  expect(answer.statusCode, answer.body).toBe(200)
  const body = answer.json<PipelineStatusResponse>()
  expect(Value.Check(ResponseSchema, body)).toBe(true)
  return body
}

const at = (iso: string) => new Date(iso)

describe('GET /api/v2/pipelines/status', () => {
  it('shows nothing where nothing is watched', async () => {
    expect(await ask()).toEqual({
      pipelines: [],
      metadata: { total: 0, timestamp: expect.any(String), cachedAt: null, stale: false },
    })
  })

  it('answers as the document shows', async () => {
    const polledAt = new Date()
    const repo = await watchRepository(test.database.db, 'owner/repo-name', { polledAt })
    await test.storeRuns(repo, [
      sampleRun({
        createdAt: at('2025-01-01T10:05:00Z'),
        runStartedAt: at('2025-01-01T10:05:00Z'),
        updatedAt: at('2025-01-01T10:10:00Z'),
      }),
    ])
    await test.storeJobs(repo, [
      sampleJob({ steps: [sampleStep(), sampleStep({ number: 2, name: 'Run tests' })] }),
      sampleJob({ id: 987654322, name: 'lint', steps: [sampleStep({ name: 'Lint' })] }),
      // Of an attempt before.
      sampleJob({ id: 1, attempt: 0, name: 'old', steps: [sampleStep({ name: 'Old' })] }),
    ])
    const body = await ask('?limit=10')
    expect(body).toEqual({
      pipelines: [
        {
          repository: 'owner/repo-name',
          branch: 'main',
          status: 'success',
          lastRun: '2025-01-01T10:05:00.000Z',
          duration: 300,
          workflowName: 'CI/CD Pipeline',
          runId: 123456789,
          conclusion: 'success',
          url: 'https://github.com/owner/repo-name/actions/runs/123456789',
          steps: [
            {
              name: 'Setup Node.js',
              status: 'completed',
              conclusion: 'success',
              job: 'build',
              number: 1,
              startedAt: '2025-01-01T10:01:00.000Z',
              completedAt: '2025-01-01T10:02:00.000Z',
            },
            expect.objectContaining({ name: 'Run tests', job: 'build', number: 2 }),
            expect.objectContaining({ name: 'Lint', job: 'lint', number: 1 }),
          ],
        },
      ],
      metadata: {
        total: 1,
        timestamp: expect.any(String),
        cachedAt: polledAt.toISOString(),
        stale: false,
      },
    })
  })

  it('has one entry for each repository, workflow and branch, newest first, and counts before the limit', async () => {
    const repo = await watchRepository(test.database.db, 'acme/many')
    const day = (n: number) => new Date(Date.UTC(2025, 1, n))
    const run = (id: number, n: number, more: object = {}) =>
      sampleRun({ id, createdAt: day(n), runStartedAt: day(n), updatedAt: day(n), ...more })
    await test.storeRuns(repo, [
      run(501, 1),
      run(502, 2),
      run(503, 3, { branch: 'develop' }),
      run(504, 4, { workflowId: 43, workflowName: 'Release' }),
      run(505, 5, { branch: 'feature', githubStatus: 'queued', conclusion: null }),
    ])
    const body = await ask('?repo=acme/many&limit=2')
    expect(body.pipelines.map(({ runId }) => runId)).toEqual([505, 504])
    expect(body.metadata.total).toBe(4)
    const all = await ask('?repo=acme/many')
    expect(all.pipelines.map(({ runId }) => runId)).toEqual([505, 504, 503, 502])
    // A repeated older run is not the newest; a repeated newest one is where it was, by its new start.
    await test.storeRuns(repo, [
      run(501, 9, { createdAt: day(1), attempt: 2 }),
      run(503, 8, { createdAt: day(3), branch: 'develop', attempt: 2 }),
    ])
    const again = await ask('?repo=acme/many')
    expect(again.pipelines.map(({ runId }) => runId)).toEqual([503, 505, 504, 502])
    expect(again.pipelines[0]?.lastRun).toBe(day(8).toISOString())
  })

  it('filters by repository, in any case of letters, branch and status, and counts accordingly', async () => {
    const repo = await watchRepository(test.database.db, 'Acme/Filters')
    const base = { createdAt: at('2025-03-01T00:00:00Z'), runStartedAt: at('2025-03-01T00:00:00Z') }
    await test.storeRuns(repo, [
      sampleRun({ ...base, id: 601, branch: 'f-ok' }),
      sampleRun({ ...base, id: 602, branch: 'f-bad', conclusion: 'failure' }),
      sampleRun({ ...base, id: 603, branch: 'f-gone', conclusion: 'cancelled' }),
      sampleRun({
        ...base,
        id: 604,
        branch: 'f-run',
        githubStatus: 'in_progress',
        conclusion: null,
      }),
      sampleRun({ ...base, id: 605, branch: 'f-wait', githubStatus: 'queued', conclusion: null }),
    ])
    const ids = async (query: string) => {
      const { pipelines, metadata } = await ask(query)
      expect(metadata.total).toBe(pipelines.length)
      return pipelines.map(({ runId }) => runId).toSorted((a, b) => a - b)
    }
    expect(await ids('?repo=acme/filters')).toEqual([601, 602, 603, 604, 605])
    expect(await ids('?repo=Acme/Filters&status=success')).toEqual([601])
    expect(await ids('?repo=Acme/Filters&status=failure')).toEqual([602, 603])
    expect(await ids('?repo=Acme/Filters&status=running')).toEqual([604])
    expect(await ids('?repo=Acme/Filters&status=pending')).toEqual([605])
    expect(await ids('?branch=f-bad')).toEqual([602])
    expect(await ids('?branch=f-bad&status=success')).toEqual([])
    expect(await ids('?repo=acme/nothing')).toEqual([])
  })

  it('counts on while a run runs, and not yet while it waits', async () => {
    const repo = await watchRepository(test.database.db, 'acme/live')
    const started = new Date(Date.now() - 90_000)
    const unfinished = {
      createdAt: started,
      runStartedAt: started,
      updatedAt: started,
      conclusion: null,
    }
    await test.storeRuns(repo, [
      sampleRun({ ...unfinished, id: 701, branch: 'running', githubStatus: 'in_progress' }),
      sampleRun({ ...unfinished, id: 702, branch: 'waiting', githubStatus: 'waiting' }),
    ])
    const { pipelines } = await ask('?repo=acme/live')
    const byBranch = new Map(pipelines.map((pipeline) => [pipeline.branch, pipeline]))
    expect(byBranch.get('running')?.duration).toBeGreaterThanOrEqual(90)
    expect(byBranch.get('running')?.duration).toBeLessThan(150)
    expect(byBranch.get('waiting')).toMatchObject({ duration: 0, conclusion: null })
  })

  it('shows every change at once: of a run, its jobs and their steps', async () => {
    const { db } = test.database
    const repo = await watchRepository(db, 'acme/changing')
    const steps = async () => {
      const [pipeline] = (await ask('?repo=acme/changing')).pipelines
      return pipeline?.steps.map(({ name, status }) => `${name} ${status}`)
    }
    await test.storeRuns(repo, [sampleRun({ id: 751 })])
    expect(await steps()).toEqual([])
    const job = { id: 752, runId: 751 }
    await test.storeJobs(repo, [sampleJob({ ...job, steps: [sampleStep({ status: 'queued' })] })])
    expect(await steps()).toEqual(['Setup Node.js queued'])
    await test.storeJobs(repo, [sampleJob({ ...job, steps: [sampleStep()] })])
    expect(await steps()).toEqual(['Setup Node.js completed'])
    await test.storeRuns(repo, [sampleRun({ id: 751, attempt: 2, githubStatus: 'queued' })])
    expect(await steps()).toEqual([])
  })

  it('says how old it is', async () => {
    const { db } = test.database
    const old = new Date(Date.now() - 120_000)
    const aged = await watchRepository(db, 'acme/aged', { polledAt: old })
    const never = await watchRepository(db, 'acme/never', { polledAt: null })
    await test.storeRuns(aged, [sampleRun({ id: 801, branch: 'aged' })])
    await test.storeRuns(never, [sampleRun({ id: 802, branch: 'never' })])
    const stale = { cachedAt: old.toISOString(), stale: true }
    expect((await ask('?repo=acme/aged')).metadata).toMatchObject(stale)
    // Of several the oldest counts.
    const { pipelines, metadata } = await ask('?limit=500&status=success')
    expect(pipelines.length).toBeGreaterThan(2)
    expect(metadata).toMatchObject({ cachedAt: null, stale: true })
    expect((await ask('?repo=acme/never')).metadata).toMatchObject({ cachedAt: null, stale: true })
    expect((await ask('?branch=never&limit=1')).metadata.stale).toBe(true)
  })

  it('leaves out what is lost, and what is here only because somebody asked for it', async () => {
    const { db } = test.database
    const lost = await watchRepository(db, 'acme/lost', { lostAt: new Date() })
    const read = await watchRepository(db, 'acme/read', { source: 'read' })
    await test.storeRuns(lost, [sampleRun({ id: 851, branch: 'b-lost' })])
    await test.storeRuns(read, [sampleRun({ id: 852, branch: 'b-read' })])
    expect((await ask('?branch=b-lost')).metadata.total).toBe(0)
    expect((await ask('?branch=b-read')).metadata.total).toBe(0)
    expect((await ask('?repo=acme/lost')).pipelines).toEqual([])
    expect((await ask('?repo=acme/read')).metadata.total).toBe(1)
  })

  it('shows a limited token its own repositories, in the total too', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['owner/repo-name'] })
    const body = await ask('', token)
    expect(body.pipelines.map(({ repository }) => repository)).toEqual(['owner/repo-name'])
    expect(body.metadata.total).toBe(1)
    expect((await ask('?branch=f-bad', token)).metadata.total).toBe(0)
    const other = await test.request('GET', `${path}?repo=acme/many`, { token })
    expect(other.statusCode).toBe(403)
    expect(other.json()).toEqual({
      error: 'Forbidden',
      details: 'This token is not for the repository acme/many',
    })
  })

  it.each([
    ['repo=nobody', '/repo'],
    ['repo=', '/repo'],
    ['status=green', '/status must be one of success, failure, pending, running'],
    ['limit=0', '/limit'],
    ['limit=501', '/limit'],
    ['limit=ten', '/limit'],
    ['branch=', '/branch'],
    ['colour=red', '/colour is not known here'],
    ['status=green&limit=0', '/status'],
  ])('refuses ?%s with 400', async (query, named) => {
    const answer = await test.request('GET', `${path}?${query}`)
    expect(answer.statusCode).toBe(400)
    const body = answer.json<{ error: string; details: string }>()
    expect(Object.keys(body)).toEqual(['error', 'details'])
    expect(body.error).toBe('Bad Request')
    expect(body.details).toContain(named)
  })

  it('names every problem at once', async () => {
    const answer = await test.request('GET', `${path}?status=green&limit=0`)
    expect(answer.json<{ details: string }>().details).toMatch(
      /\/limit .*\/status|\/status .*\/limit/,
    )
  })

  it('shows 50 unless told, and counts all', async () => {
    const repo = await watchRepository(test.database.db, 'acme/branches')
    const runs = Array.from({ length: 51 }, (_, n) => sampleRun({ id: 900 + n, branch: `b${n}` }))
    await test.storeRuns(repo, runs)
    const { pipelines, metadata } = await ask('?repo=acme/branches')
    expect(pipelines).toHaveLength(50)
    expect(metadata.total).toBe(51)
  })

  it('takes 500 at once', async () => {
    expect((await ask('?limit=500')).pipelines.length).toBeGreaterThan(5)
  })
})

describe('who may read', () => {
  it('needs a token, and a good one', async () => {
    const none = await test.request('GET', path, { token: null })
    expect(none.statusCode).toBe(401)
    expect(none.headers['www-authenticate']).toBe('Bearer')
    expect(none.json()).toEqual({ error: 'Unauthorized', details: 'This needs a bearer token' })
    const bad = await test.request('GET', path, { token: 'slw_nobody' })
    expect(bad.statusCode).toBe(401)
    expect(bad.json<{ error: string }>().error).toBe('Unauthorized')
  })

  it('needs the permission pipelines:read', async () => {
    const token = await test.tokenFor(['service-account'])
    const answer = await test.request('GET', path, { token })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toEqual({
      error: 'Forbidden',
      details: 'This needs the permission pipelines:read',
    })
  })

  it('answers 404 and 405 in the words of the family', async () => {
    const nothing = await test.request('GET', '/api/v2/pipelines/nothing')
    expect(nothing.statusCode).toBe(404)
    expect(nothing.json()).toEqual({
      error: 'Not Found',
      details: 'There is nothing at /api/v2/pipelines/nothing',
    })
    const wrong = await test.request('POST', path, { body: {} })
    expect(wrong.statusCode).toBe(405)
    expect(wrong.headers.allow).toContain('GET')
    expect(wrong.json<{ error: string }>().error).toBe('Method Not Allowed')
  })

  it('answers a path that is not validly encoded in the words of the family', async () => {
    const answer = await test.request('GET', '/api/v2/pipelines/history/owner%zzrepo')
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({
      error: 'Bad Request',
      details: 'The path is not validly encoded',
    })
    const builds = await test.request('GET', '/api/repositories/%zz')
    expect(builds.statusCode).toBe(400)
    expect(builds.json()).toMatchObject({ message: 'The path is not validly encoded' })
  })
})

describe('with a limit of requests', () => {
  it('answers 429 and says when to come back', async () => {
    const limited = await createPipelinesApp({
      overrides: { rateLimits: { windowMs: 60_000, perPrincipal: 2, failedPerAddress: 100 } },
    })
    try {
      await limited.request('GET', path)
      await limited.request('GET', path)
      const answer = await limited.request('GET', path)
      expect(answer.statusCode).toBe(429)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(answer.json()).toEqual({
        error: 'Too Many Requests',
        details: 'More than 2 requests in 60 s',
      })
    } finally {
      await limited.close()
    }
  })
})
