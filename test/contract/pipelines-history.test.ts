import {
  type PipelineHistoryResponse,
  PipelineHistoryResponse as ResponseSchema,
} from '@slipway/contract/pipelines'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeArtifacts } from '../../packages/server/src/monitor/index.ts'
import {
  inTransaction,
  sampleJob,
  sampleRun,
  sampleStep,
  watchRepository,
} from '../support/monitor.ts'
import { createPipelinesApp, type PipelinesApp } from '../support/pipelines-app.ts'

const path = '/api/v2/pipelines/history'
let test: PipelinesApp
/** What was asked to be read through, and what it came to. */
const asked: string[] = []
let outcome: (name: string) => Promise<'known' | 'loaded' | 'missing' | 'away'>

beforeAll(async () => {
  test = await createPipelinesApp({
    source: {
      ensureRepository: (name) => {
        asked.push(name)
        return outcome(name)
      },
    },
  })
  outcome = async () => 'missing'
})
afterAll(() => test.close())

async function ask(rest: string, token?: string): Promise<PipelineHistoryResponse> {
  const answer = await test.request('GET', `${path}/${rest}`, token === undefined ? {} : { token })
  expect(answer.statusCode, answer.body).toBe(200)
  const body = answer.json<PipelineHistoryResponse>()
  expect(Value.Check(ResponseSchema, body)).toBe(true)
  return body
}

const day = (n: number) => new Date(Date.UTC(2025, 0, n))

describe('GET /api/v2/pipelines/history/{owner}/{repo}', () => {
  it('answers as the document shows', async () => {
    const polledAt = new Date()
    const repo = await watchRepository(test.database.db, 'owner/repo-name', { polledAt })
    await test.storeRuns(repo, [sampleRun()])
    await test.storeJobs(repo, [
      sampleJob({ steps: [sampleStep()] }),
      sampleJob({
        id: 987654322,
        name: 'deploy',
        conclusion: 'skipped',
        startedAt: null,
        completedAt: null,
      }),
    ])
    const artifact = {
      id: 11,
      name: 'dist',
      size_in_bytes: 2048,
      expired: false,
      created_at: '2025-01-01T10:04:00.000Z',
      expires_at: '2999-01-01T10:04:00.000Z',
    }
    const expired = { ...artifact, id: 12, expires_at: '2025-02-01T10:04:00.000Z' }
    await inTransaction(test.database.db, (unit) =>
      storeArtifacts(unit, { runId: 123456789, attempt: 1, artifacts: [artifact, expired] }),
    )
    expect(await ask('owner/repo-name?page=1&per_page=20')).toEqual({
      repository: 'owner/repo-name',
      runs: [
        {
          id: 123456789,
          name: 'CI/CD Pipeline',
          status: 'success',
          conclusion: 'success',
          created_at: '2025-01-01T10:00:00.000Z',
          updated_at: '2025-01-01T10:05:00.000Z',
          duration: 300,
          branch: 'main',
          commit_sha: 'abc123def456',
          commit_message: 'Add new feature',
          actor: 'username',
          attempt: 1,
          url: 'https://github.com/owner/repo-name/actions/runs/123456789',
          jobs: [
            {
              id: 987654321,
              name: 'build',
              status: 'success',
              conclusion: 'success',
              started_at: '2025-01-01T10:01:00.000Z',
              completed_at: '2025-01-01T10:04:00.000Z',
              duration: 180,
              steps: [
                {
                  number: 1,
                  name: 'Setup Node.js',
                  status: 'completed',
                  conclusion: 'success',
                  started_at: '2025-01-01T10:01:00.000Z',
                  completed_at: '2025-01-01T10:02:00.000Z',
                },
              ],
            },
            {
              id: 987654322,
              name: 'deploy',
              status: 'success',
              conclusion: 'skipped',
              started_at: null,
              completed_at: null,
              duration: 0,
              steps: [],
            },
          ],
          artifacts: [artifact, { ...expired, expired: true }],
        },
      ],
      metadata: {
        page: 1,
        per_page: 20,
        total: 1,
        timestamp: expect.any(String),
        cachedAt: polledAt.toISOString(),
        stale: false,
      },
    })
  })

  it.each(['owner/repo-name', 'owner%2Frepo-name', 'owner%2frepo-name', 'OWNER/Repo-Name'])(
    'takes %s',
    async (name) => {
      const body = await ask(`${name}?per_page=1`)
      expect(body.repository).toBe('owner/repo-name')
      expect(body.metadata).toMatchObject({ total: 1, per_page: 1, page: 1 })
    },
  )

  it('has 30 to a page, the true total on every page, and nothing past the last one', async () => {
    const repo = await watchRepository(test.database.db, 'acme/pages')
    await test.storeRuns(
      repo,
      Array.from({ length: 65 }, (_, n) =>
        sampleRun({ id: 1000 + n, createdAt: day(n + 1), runStartedAt: day(n + 1) }),
      ),
    )
    const first = await ask('acme/pages')
    expect(first.runs.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, n) => 1064 - n))
    expect(first.metadata).toMatchObject({ page: 1, per_page: 30, total: 65 })
    const third = await ask('acme/pages?page=3')
    expect(third.runs.map(({ id }) => id)).toEqual([1004, 1003, 1002, 1001, 1000])
    const past = await ask('acme/pages?page=4')
    expect(past.runs).toEqual([])
    expect(past.metadata).toMatchObject({ page: 4, total: 65 })
    const far = await ask('acme/pages?page=1000000&per_page=100')
    expect(far.metadata).toMatchObject({ page: 1_000_000, per_page: 100, total: 65 })
    expect((await ask('acme/pages?per_page=100')).runs).toHaveLength(65)
  })

  it('shows anew what changes', async () => {
    const repo = await watchRepository(test.database.db, 'acme/grows')
    await test.storeRuns(repo, [sampleRun({ id: 1101 })])
    expect((await ask('acme/grows')).metadata.total).toBe(1)
    await test.storeRuns(repo, [sampleRun({ id: 1102 })])
    expect((await ask('acme/grows')).metadata.total).toBe(2)
    const artifact = {
      id: 13,
      name: 'dist',
      size_in_bytes: 1,
      expired: false,
      created_at: null,
      expires_at: null,
    }
    await inTransaction(test.database.db, (unit) =>
      storeArtifacts(unit, { runId: 1102, attempt: 1, artifacts: [artifact] }),
    )
    expect((await ask('acme/grows')).runs[0]?.artifacts).toEqual([artifact])
  })

  it('filters by branch and by workflow, by its id, file name or path', async () => {
    const repo = await watchRepository(test.database.db, 'acme/filters')
    const release = {
      workflowId: 77,
      workflowName: 'Release',
      workflowPath: '.github/workflows/release.yml',
    }
    await test.storeRuns(repo, [
      sampleRun({ id: 1201, workflowId: 76 }),
      sampleRun({ id: 1202, workflowId: 76, branch: 'develop' }),
      sampleRun({ id: 1203, ...release }),
    ])
    const ids = async (query: string) => {
      const { runs, metadata } = await ask(`acme/filters?${query}`)
      expect(metadata.total).toBe(runs.length)
      return runs.map(({ id }) => id)
    }
    expect(await ids('workflow_id=77')).toEqual([1203])
    expect(await ids('workflow_id=release.yml')).toEqual([1203])
    expect(await ids('workflow_id=.github/workflows/ci.yml')).toEqual([1202, 1201])
    expect(await ids('branch=develop')).toEqual([1202])
    expect(await ids('branch=develop&workflow_id=76')).toEqual([1202])
    expect(await ids('branch=develop&workflow_id=77')).toEqual([])
    expect(await ids('branch=nothing')).toEqual([])
    const unknown = await test.request('GET', `${path}/acme/filters?workflow_id=nothing.yml`)
    expect(unknown.statusCode).toBe(404)
    expect(unknown.json()).toEqual({
      error: 'Not Found',
      details: 'acme/filters has no workflow with the id or file name nothing.yml',
    })
    // A workflow of another repository is none here.
    const others = await test.request('GET', `${path}/acme/pages?workflow_id=77`)
    expect(others.statusCode).toBe(404)
  })

  it('shows the jobs of the newest attempt, and maps their status', async () => {
    const repo = await watchRepository(test.database.db, 'acme/attempts')
    const started = new Date(Date.now() - 60_000)
    await test.storeRuns(repo, [
      sampleRun({ id: 1301, conclusion: 'failure' }),
      sampleRun({
        id: 1301,
        attempt: 2,
        githubStatus: 'in_progress',
        conclusion: null,
        runStartedAt: started,
        updatedAt: started,
      }),
    ])
    const live = { runId: 1301, attempt: 2, conclusion: null, completedAt: null }
    await test.storeJobs(repo, [
      sampleJob({ id: 1, runId: 1301, conclusion: 'failure' }),
      sampleJob({ ...live, id: 2, githubStatus: 'in_progress', startedAt: started }),
      sampleJob({ ...live, id: 3, githubStatus: 'queued', startedAt: null }),
      sampleJob({ ...live, id: 4, githubStatus: 'completed', conclusion: 'timed_out' }),
    ])
    const [run] = (await ask('acme/attempts')).runs
    expect(run).toMatchObject({ status: 'running', conclusion: null, attempt: 2, artifacts: [] })
    expect(run?.duration).toBeGreaterThanOrEqual(60)
    expect(run?.jobs.map(({ id, status }) => [id, status])).toEqual([
      [2, 'running'],
      [3, 'pending'],
      [4, 'failure'],
    ])
    expect(run?.jobs[0]?.duration).toBeGreaterThanOrEqual(60)
    expect(run?.jobs[1]).toMatchObject({ duration: 0, started_at: null })
  })

  it('reads a repository through that nobody watches', async () => {
    outcome = async (name) => {
      const repo = await watchRepository(test.database.db, name, { source: 'read' })
      await test.storeRuns(repo, [sampleRun({ id: 1401 })])
      return 'loaded'
    }
    asked.length = 0
    expect((await ask('acme/unwatched')).runs.map(({ id }) => id)).toEqual([1401])
    // It is fresh now: nobody need ask again.
    await ask('acme/unwatched')
    expect(asked).toEqual(['acme/unwatched'])
  })

  it('asks again for what nobody polls, and shows what there is while GitHub is away', async () => {
    const old = new Date(Date.now() - 120_000)
    const repo = await watchRepository(test.database.db, 'acme/old', {
      source: 'read',
      polledAt: old,
    })
    await test.storeRuns(repo, [sampleRun({ id: 1501 })])
    asked.length = 0
    outcome = async () => 'away'
    const body = await ask('acme/old')
    expect(body.runs).toHaveLength(1)
    expect(body.metadata).toMatchObject({ stale: true, cachedAt: old.toISOString() })
    expect(asked).toEqual(['acme/old'])
    outcome = async () => 'known'
    expect((await ask('acme/old')).runs).toHaveLength(1)
  })

  it('answers 404 for what GitHub does not show, 503 where it cannot be asked', async () => {
    outcome = async () => 'missing'
    const missing = await test.request('GET', `${path}/acme/missing`)
    expect(missing.statusCode).toBe(404)
    expect(missing.json()).toEqual({
      error: 'Not Found',
      details: 'There is no repository acme/missing that we can see',
    })
    outcome = async () => 'away'
    const away = await test.request('GET', `${path}/acme/missing`)
    expect(away.statusCode).toBe(503)
    expect(away.headers['retry-after']).toBe('60')
    expect(away.json()).toEqual({
      error: 'Service Unavailable',
      details: 'GitHub cannot be asked about acme/missing at the moment',
    })
    // One that is lost is not shown any more, whoever remembers it.
    outcome = async () => 'missing'
    await watchRepository(test.database.db, 'acme/lost', { lostAt: new Date() })
    expect((await test.request('GET', `${path}/acme/lost`)).statusCode).toBe(404)
  })

  it('refuses a limited token what is not its own, and asks nobody', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['Owner/Repo-Name'] })
    expect((await ask('owner/repo-name', token)).runs).toHaveLength(1)
    asked.length = 0
    for (const name of ['acme/pages', 'acme/never-heard-of']) {
      const answer = await test.request('GET', `${path}/${name}`, { token })
      expect(answer.statusCode).toBe(403)
    }
    expect(asked).toEqual([])
  })

  it.each([
    ['owner/repo-name?page=0', '/page'],
    ['owner/repo-name?page=1000001', '/page'],
    ['owner/repo-name?page=x', '/page'],
    ['owner/repo-name?per_page=0', '/per_page'],
    ['owner/repo-name?per_page=101', '/per_page'],
    ['owner/repo-name?workflow_id=', '/workflow_id'],
    ['owner/repo-name?branch=', '/branch'],
    ['owner/repo-name?limit=3', '/limit is not known here'],
    ['repo-name', '/repo'],
    ['owner%2F..', '/repo'],
    ['owner/a%20b', '/repo'],
  ])('refuses %s with 400', async (rest, named) => {
    const answer = await test.request('GET', `${path}/${rest}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({
      error: 'Bad Request',
      details: expect.stringContaining(named),
    })
  })

  it.each(['', '/', '/owner/repo-name/more'])('has nothing at %s', async (rest) => {
    const answer = await test.request('GET', `${path}${rest}`)
    expect([400, 404]).toContain(answer.statusCode)
    expect(Object.keys(answer.json<object>())).toEqual(['error', 'details'])
  })

  it('needs a token', async () => {
    const answer = await test.request('GET', `${path}/owner/repo-name`, { token: null })
    expect(answer.statusCode).toBe(401)
  })
})
