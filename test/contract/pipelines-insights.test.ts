import { randomUUID } from 'node:crypto'
import {
  type PipelineInsightsResponse,
  PipelineInsightsResponse as ResponseSchema,
} from '@slipway/contract/pipeline-insights'
import { sql } from 'kysely'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobSnapshot, RunSnapshot } from '../../packages/server/src/ports/github-actions.ts'
import { sampleJob, sampleRun, sampleStep, watchRepository } from '../support/monitor.ts'
import { createPipelinesApp, type PipelinesApp } from '../support/pipelines-app.ts'

const path = '/api/v2/pipelines/insights'
const minute = 60_000
const now = Math.floor(Date.now() / 1000) * 1000
let test: PipelinesApp
let ids = 0

beforeAll(async () => {
  test = await createPipelinesApp()
})
afterAll(() => test.close())

async function ask(query = '', token?: string): Promise<PipelineInsightsResponse> {
  const answer = await test.request('GET', `${path}${query}`, token === undefined ? {} : { token })
  expect(answer.statusCode, answer.body).toBe(200)
  const body = answer.json<PipelineInsightsResponse>()
  expect(Value.Check(ResponseSchema, body)).toBe(true)
  return body
}

/** A run that began so many minutes ago and took so many seconds. */
function run(minutesAgo: number, seconds: number, more: Partial<RunSnapshot> = {}): RunSnapshot {
  const at = new Date(now - minutesAgo * minute)
  const updatedAt = new Date(at.getTime() + seconds * 1000)
  return sampleRun({ id: ++ids, createdAt: at, runStartedAt: at, updatedAt, ...more })
}

/** A job of a run that waited and then took so many seconds, with one step as long. */
function jobOf(
  of: RunSnapshot,
  seconds: number,
  more: Partial<JobSnapshot> & { waits?: number } = {},
): JobSnapshot {
  const { waits = 0, ...rest } = more
  const startedAt = new Date(of.runStartedAt.getTime() + waits * 1000)
  const completedAt = new Date(startedAt.getTime() + seconds * 1000)
  const conclusion = more.conclusion ?? 'success'
  return sampleJob({
    id: ++ids,
    runId: of.id,
    attempt: of.attempt,
    conclusion,
    createdAt: of.runStartedAt,
    startedAt,
    completedAt,
    steps: [
      sampleStep({
        name: 'Run tests',
        conclusion,
        started_at: startedAt.toISOString(),
        completed_at: completedAt.toISOString(),
      }),
    ],
    ...rest,
  })
}

const nothing = {
  workflows: [],
  slowestJobs: [],
  slowestSteps: [],
  flakiestJobs: [],
  flakiestSteps: [],
  dora: {},
  jobsSince: null,
}

describe('GET /api/v2/pipelines/insights', () => {
  it('has nothing to say of nothing', async () => {
    expect(await ask('?timeRange=3d')).toEqual({
      ...nothing,
      timeRange: '3d',
      timestamp: expect.any(String),
      metadata: { cachedAt: null, stale: false },
    })
  })

  it('measures durations and waits of each workflow', async () => {
    const repo = await watchRepository(test.database.db, 'acme/waits')
    const runs = [100, 200, 300].map((seconds) => run(60, seconds))
    const release = run(60, 50, { workflowId: 43, workflowName: 'Release' })
    await test.storeRuns(repo, [
      ...runs,
      release,
      run(60, 1, { conclusion: 'skipped' }),
      run(60, 1, { githubStatus: 'in_progress', conclusion: null }),
    ])
    await test.storeJobs(
      repo,
      runs.flatMap((one, n) => [
        jobOf(one, 10, { waits: 10 * (n + 1) }),
        jobOf(one, 20, { waits: 60, name: 'test' }),
      ]),
    )
    const { workflows } = await ask('?repository=acme/waits')
    expect(workflows).toEqual([
      {
        repository: 'acme/waits',
        workflowName: 'CI/CD Pipeline',
        workflowId: 42,
        runs: 3,
        durationP50: 200,
        durationP95: 290,
        queueTimeP50: 20,
        queueTimeP95: 29,
      },
      expect.objectContaining({
        workflowName: 'Release',
        runs: 1,
        durationP50: 50,
        queueTimeP50: null,
        queueTimeP95: null,
      }),
    ])
  })

  it('finds the slowest jobs and steps', async () => {
    const repo = await watchRepository(test.database.db, 'acme/slow')
    const one = run(30, 600)
    await test.storeRuns(repo, [one])
    await test.storeJobs(repo, [
      jobOf(one, 30, { name: 'lint' }),
      jobOf(one, 500, { name: 'e2e' }),
      jobOf(one, 9_999, { name: 'given up', conclusion: 'cancelled' }),
    ])
    const { slowestJobs, slowestSteps } = await ask('?repository=acme/slow')
    const place = { repository: 'acme/slow', workflowName: 'CI/CD Pipeline', runs: 1 }
    expect(slowestJobs).toEqual([
      { ...place, job: 'e2e', step: null, durationP50: 500, durationP95: 500 },
      { ...place, job: 'lint', step: null, durationP50: 30, durationP95: 30 },
    ])
    expect(slowestSteps.map(({ job, step }) => [job, step])).toEqual([
      ['e2e', 'Run tests'],
      ['lint', 'Run tests'],
    ])
  })

  it('finds what failed and then succeeded on the same commit', async () => {
    const repo = await watchRepository(test.database.db, 'acme/flaky')
    const commit = (name: string) => ({ commitSha: name.padEnd(40, '0') })
    const first = run(100, 60, { ...commit('a'), conclusion: 'failure' })
    const again = { ...run(90, 60, commit('a')), id: first.id, attempt: 2 }
    const other = run(80, 60, { ...commit('b'), conclusion: 'failure' })
    const fixed = run(70, 60, commit('c'))
    const broken = run(60, 60, { ...commit('d'), conclusion: 'failure' })
    const twice = run(50, 60, commit('d'))
    await test.storeRuns(repo, [first, again, other, fixed, broken, twice])
    await test.storeJobs(repo, [
      // Flaky on a: another attempt; on d: another run.
      jobOf(first, 10, { conclusion: 'failure' }),
      jobOf(again, 10),
      jobOf(broken, 10, { conclusion: 'timed_out' }),
      jobOf(twice, 10),
      // Broken on b and repaired on c: no flake.
      jobOf(other, 10, { conclusion: 'failure' }),
      jobOf(fixed, 10),
      // First good, then bad: no flake either.
      jobOf(first, 10, { name: 'lint' }),
      jobOf(again, 10, { name: 'lint', conclusion: 'failure' }),
    ])
    const { flakiestJobs, flakiestSteps } = await ask('?repository=acme/flaky')
    const flaky = {
      repository: 'acme/flaky',
      workflowName: 'CI/CD Pipeline',
      job: 'build',
      commits: 4,
      flakes: 2,
      flakeRate: 50,
    }
    expect(flakiestJobs).toEqual([{ ...flaky, step: null }])
    expect(flakiestSteps).toEqual([{ ...flaky, step: 'Run tests' }])
  })

  it('takes no step for flaky because another one of the same name succeeded in the same attempt', async () => {
    const repo = await watchRepository(test.database.db, 'acme/names')
    const one = run(100, 60, { conclusion: 'failure' })
    const ended = (seconds: number) =>
      new Date(one.runStartedAt.getTime() + seconds * 1000).toISOString()
    const upload = (number: number, conclusion: string) =>
      sampleStep({ number, name: 'Upload', conclusion, completed_at: ended(number) })
    const steps = [upload(1, 'failure'), upload(2, 'success')]
    await test.storeRuns(repo, [one])
    await test.storeJobs(repo, [jobOf(one, 10, { conclusion: 'failure', steps })])
    const asked = '?repository=acme/names&timeRange='
    expect((await ask(`${asked}1d`)).flakiestSteps).toEqual([])
    const again = { ...run(90, 60), id: one.id, attempt: 2 }
    await test.storeRuns(repo, [again])
    await test.storeJobs(repo, [jobOf(again, 10, { steps: [upload(3_000, 'success')] })])
    expect((await ask(`${asked}2d`)).flakiestSteps).toMatchObject([{ step: 'Upload', flakes: 1 }])
  })

  it('filters by branch and range', async () => {
    const repo = await watchRepository(test.database.db, 'acme/filtered')
    await test.storeRuns(repo, [
      run(30, 10, { branch: 'develop' }),
      run(30, 20),
      run(60 * 48, 30, { branch: 'develop' }),
    ])
    const all = await ask('?repository=acme/filtered')
    expect(all.workflows[0]?.runs).toBe(3)
    const some = await ask('?repository=Acme/Filtered&timeRange=1d&branch=develop')
    expect(some.workflows).toMatchObject([{ runs: 1, durationP50: 10 }])
  })

  it('measures delivery by the runs on the default branch', async () => {
    const repo = await watchRepository(test.database.db, 'acme/runs', { defaultBranch: 'trunk' })
    const trunk = { branch: 'trunk' }
    await test.storeRuns(repo, [
      run(100, 120, trunk),
      run(90, 120, { ...trunk, conclusion: 'failure' }),
      run(60, 120, trunk),
      run(50, 120, { ...trunk, conclusion: 'cancelled' }),
      run(50, 120, { ...trunk, event: 'schedule' }),
      run(50, 120),
    ])
    const { dora } = await ask('?repository=acme/runs&timeRange=1d')
    expect(dora).toEqual({
      'acme/runs': {
        source: 'runs',
        deployments: 2,
        deploymentFrequency: 2,
        leadTime: 120,
        changeFailureRate: 33.33,
        timeToRestore: 1800,
      },
    })
  })

  it('measures all of the deliveries of a range, however many', async () => {
    const repo = await watchRepository(test.database.db, 'acme/busy')
    const first = run(100, 60)
    await test.storeRuns(repo, [first])
    const count = 21_000
    ids += count
    await sql`
      insert into workflow_runs
      select (jsonb_populate_record(r, jsonb_build_object('id', r.id + n))).*
      from workflow_runs r, generate_series(1, ${count - 1}::int) n
      where r.id = ${first.id}`.execute(test.database.db)
    const { dora, workflows } = await ask('?repository=acme/busy&timeRange=1d')
    expect(workflows).toMatchObject([{ runs: count }])
    expect(dora['acme/busy']).toMatchObject({ deployments: count, deploymentFrequency: count })
  })

  it('measures delivery by our own deployments where there are any', async () => {
    const repo = await watchRepository(test.database.db, 'acme/deployed')
    await test.storeRuns(repo, [run(100, 120)])
    const at = (minutesAgo: number) => new Date(now - minutesAgo * minute)
    const deploy = async (
      number: number,
      environment: string,
      times: { created: number; active?: number; failed?: number; rollback?: boolean },
    ) => {
      const { db } = test.database
      const release = randomUUID()
      await sql`
        insert into releases (id, repository, project, commit_sha, release_number, oci_uri,
                              oci_digest, trigger_type, triggered_by, created_by, environments,
                              resources, created_at)
        values (${release}, 'acme/deployed', 'api', ${String(number).padStart(40, '0')}, ${number},
                'uri', 'digest', 'manual', 'x', 'x', '[]', '[]', ${at(times.created)})`.execute(db)
      await sql`
        insert into deployments (id, release_id, environment, repository, project, release_number,
                                 status, ordinal, rollback, deployed_by, failed_at, created_at,
                                 deployed_at, activated_at)
        values (${randomUUID()}, ${release}, ${environment}, 'acme/deployed', 'api', ${number},
                'superseded', ${number}, ${times.rollback ?? false}, 'x',
                ${times.failed === undefined ? null : at(times.failed)}, ${at(times.created)},
                ${at(times.created)}, ${times.active === undefined ? null : at(times.active)})`.execute(
        db,
      )
    }
    await deploy(1, 'production', { created: 300, active: 290 })
    await deploy(2, 'production', { created: 200, failed: 195 })
    await deploy(3, 'production', { created: 180, active: 175 })
    // Taken back by the next one.
    await deploy(4, 'production', { created: 100, active: 90 })
    await deploy(5, 'production', { created: 85, active: 80, rollback: true })
    await deploy(6, 'dev', { created: 20, failed: 10 })
    const { dora } = await ask('?repository=acme/deployed&timeRange=1d')
    expect(dora['acme/deployed']).toEqual({
      source: 'deployments',
      deployments: 2,
      deploymentFrequency: 2,
      // Ten minutes and five.
      leadTime: 450,
      changeFailureRate: 50,
      // Twenty minutes and ten.
      timeToRestore: 900,
    })
  })

  it('says how old what it looks at is, also where it has looked already', async () => {
    const { db } = test.database
    const repo = await watchRepository(db, 'acme/aged')
    expect((await ask('?repository=acme/aged')).metadata.stale).toBe(false)
    const polledAt = new Date(Date.now() - 120_000)
    await sql`update monitored_repositories set polled_at = ${polledAt} where id = ${repo}`.execute(
      db,
    )
    const { metadata } = await ask('?repository=acme/aged')
    expect(metadata).toEqual({ cachedAt: polledAt.toISOString(), stale: true })
  })

  it('shows a limited token its own repositories only', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/slow'] })
    const body = await ask('?timeRange=2d', token)
    expect(Object.keys(body.dora)).toEqual(['acme/slow'])
    expect(new Set(body.slowestJobs.map(({ repository }) => repository))).toEqual(
      new Set(['acme/slow']),
    )
    const other = await test.request('GET', `${path}?repository=acme/waits`, { token })
    expect(other.statusCode).toBe(403)
  })

  it.each([
    ['timeRange=0h', 400],
    ['timeRange=2y', 400],
    ['repository=nobody', 400],
    ['branch=', 400],
    ['limit=5', 400],
    ['repository=acme/missing', 404],
  ])('refuses ?%s with %d', async (query, status) => {
    const answer = await test.request('GET', `${path}?${query}`)
    expect(answer.statusCode).toBe(status)
    expect(Object.keys(answer.json<object>())).toEqual(['error', 'details'])
  })

  it('is computed for a few at once, refused to too many, and leaves the database to others', async () => {
    await watchRepository(test.database.db, 'acme/crowded')
    const blocker = await test.database.pool.connect()
    try {
      await blocker.query('begin; lock table workflow_runs in access exclusive mode')
      const crowd = Array.from({ length: 30 }, (_, n) =>
        test.request('GET', `${path}?repository=acme/crowded&timeRange=${n + 1}h`),
      )
      expect((await test.request('GET', '/v1/audit?limit=1')).statusCode).toBe(200)
      // Those that are not let in are answered while the others wait.
      const refused = await Promise.race(crowd)
      expect(refused.statusCode).toBe(503)
      expect(refused.headers['retry-after']).toBe('10')
      expect(refused.json()).toEqual({
        error: 'Service Unavailable',
        details: 'Too many such figures are being computed already',
      })
      await blocker.query('rollback')
      const codes = (await Promise.all(crowd)).map(({ statusCode }) => statusCode)
      expect(codes.filter((code) => code === 200)).toHaveLength(22)
      expect(codes.filter((code) => code === 503)).toHaveLength(8)
    } finally {
      await blocker.query('rollback')
      blocker.release()
    }
  })

  it('needs a token', async () => {
    expect((await test.request('GET', path, { token: null })).statusCode).toBe(401)
  })
})
