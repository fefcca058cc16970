// A server that watches GitHub Actions: by polls and by the webhook, killed and started again, and asked over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type {
  PipelineHistoryResponse,
  PipelineStatusResponse,
  TriggerPipelineResponse,
} from '@slipway/contract/pipelines'
import { signDelivery } from '../support/github/deliver.ts'
import { type GitHubStandIn, refusal, startGitHubStandIn } from '../support/github/stand-in.ts'
import { workflowJobOf, workflowRunOf } from '../support/github/workflows.ts'
import { ago, jobOf, token } from '../support/monitor-ingest.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const secret = 'a secret that GitHub knows'
const ended = { status: 'completed', conclusion: 'success' } as const
const minute = 60_000
let github: GitHubStandIn
let server: TestServer

beforeAll(async () => {
  github = await startGitHubStandIn({ token })
  github.actions.addRepository('acme/shop', { id: 77 })
  github.actions.putRun('acme/shop', {
    id: 1,
    ...ended,
    created_at: ago(10 * minute),
    jobs: { 1: [jobOf(11)] },
    artifacts: [{ id: 5, name: 'report', size_in_bytes: 9 }],
  })
  for (let id = 100; id < 500; id++) {
    github.actions.putRun('acme/shop', {
      id,
      ...ended,
      head_branch: 'develop',
      created_at: ago(20 * minute + (500 - id) * 60 * minute),
    })
  }
  github.behave(({ path }) => (path.includes('created=') ? { kind: 'hang up' } : undefined))
  server = await startTestServer({
    GITHUB_API_URL: github.url,
    GITHUB_TOKEN: token,
    GITHUB_WEBHOOK_SECRET: secret,
    SLIPWAY_MONITOR_INTERVAL: '1s',
  })
})
afterAll(async () => {
  await server.close()
  await github.close()
  expect(github.violations).toEqual([])
  expect(server.output.join('\n')).not.toContain(token)
})

const base = '/api/v2/pipelines'
const get = <T>(path: string) => server.json<T>('GET', `${base}${path}`)
const status = (query = '?branch=main') => get<PipelineStatusResponse>(`/status${query}`)
const history = (repository: string, query = '', of = server) =>
  of.json<PipelineHistoryResponse>('GET', `${base}/history/${repository}${query}`)
async function deliver(event: string, payload: unknown): Promise<number> {
  const { headers, body } = signDelivery(secret, event, payload)
  const url = new URL('/api/v2/webhooks/github', server.url)
  return (await fetch(url, { method: 'POST', headers, body })).status
}

describe('a server that watches GitHub Actions', () => {
  it('finds repositories by itself, and shows their newest runs with steps', async () => {
    await expect
      .poll(() => status(), { timeout: 15_000 })
      .toMatchObject({
        pipelines: [
          {
            repository: 'acme/shop',
            runId: 1,
            status: 'success',
            workflowName: 'CI',
            url: `${github.url}/acme/shop/actions/runs/1`,
          },
        ],
        metadata: { stale: false, cachedAt: expect.any(String) },
      })
    await vi.waitFor(async () => {
      const { pipelines } = await status()
      expect(pipelines[0]?.steps).toMatchObject([{ name: 'Set up' }, { name: 'Test' }])
    }, 10_000)
    expect(await history('acme/shop', '?branch=main')).toMatchObject({
      runs: [{ id: 1, jobs: [{ name: 'build' }], artifacts: [{ id: 5, name: 'report' }] }],
    })
  })

  it('goes on with the runs of before where a killed one left off', async () => {
    expect((await history('acme/shop')).metadata.total).toBe(100)
    await server.kill()
    github.behave(null)
    await server.restart()
    const total = async () => (await history('acme/shop')).metadata.total
    await expect.poll(total, { timeout: 20_000 }).toBe(401)
  })

  it('stores what the webhook tells at once, forward only', async () => {
    const about = { repository: 'acme/shop', repositoryId: 77, id: 9_000, branch: 'hook' }
    const job = { ...about, id: 9_001, runId: 9_000 }
    // The run is the webhook's alone: a poll hears nothing new of it, and does not forget it either.
    github.behave(({ path }) =>
      path.includes('/actions/runs/9000') ? { kind: 'answer', status: 304, body: '' } : undefined,
    )
    onTestFinished(() => github.behave(null))
    expect(await deliver('workflow_run', workflowRunOf('in_progress', about))).toBe(202)
    const shown = async () => (await status('?branch=hook')).pipelines
    await expect.poll(shown).toMatchObject([{ runId: 9_000, status: 'running' }])
    expect(await deliver('workflow_job', workflowJobOf('in_progress', job))).toBe(202)
    await expect.poll(shown).toMatchObject([{ steps: [{ name: 'Test', status: 'in_progress' }] }])
    await deliver('workflow_run', workflowRunOf('completed', { ...about, conclusion: 'failure' }))
    await deliver('workflow_run', workflowRunOf('in_progress', about))
    await deliver('workflow_run', workflowRunOf('requested', about))
    await expect.poll(shown).toMatchObject([{ status: 'failure', conclusion: 'failure' }])
  })

  it('takes a delivery that came right before it was killed', async () => {
    const about = { repository: 'acme/shop', repositoryId: 77, id: 9_100, branch: 'killed' }
    await deliver('workflow_run', workflowRunOf('completed', about))
    await server.kill()
    await server.restart()
    await expect
      .poll(async () => (await status('?branch=killed')).pipelines, { timeout: 10_000 })
      .toMatchObject([{ runId: 9_100, status: 'success' }])
  })

  it('costs GitHub one request a turn where nothing happens', async () => {
    // What is unfinished or without its jobs is looked at besides.
    const requests = () => github.seen.filter(({ repository }) => repository === 'acme/shop')
    const idle = async () => {
      const before = requests().length
      const count = () => requests().length
      await expect.poll(count, { timeout: 10_000 }).toBeGreaterThan(before + 2)
      return requests().slice(before)
    }
    await vi.waitFor(async () => {
      for (const { operation, status: answered } of await idle()) {
        expect(operation).toBe('actions/list-workflow-runs-for-repo')
        expect(answered).toBe(304)
      }
    }, 30_000)
    const [begun, before] = [performance.now(), requests().length]
    await expect.poll(() => requests().length, { timeout: 10_000 }).toBeGreaterThan(before + 3)
    const seconds = (performance.now() - begun) / 1_000
    expect(requests().length - before).toBeLessThanOrEqual(seconds + 1)
  }, 60_000)
})

describe('a repository that nobody watches', () => {
  beforeEach(() => {
    if (github.actions.repositories.some(({ full_name: name }) => name === 'acme/notes')) return
    github.actions.addRepository('acme/notes', { id: 88, workflows: [] })
    github.actions.putRun('acme/notes', {
      id: 20_000,
      ...ended,
      created_at: ago(minute),
      jobs: { 1: [jobOf(20_001)] },
      artifacts: [{ id: 20_002, name: 'log', size_in_bytes: 1 }],
    })
  })

  it('is read when somebody asks for it, and shown among the watched ones never', async () => {
    expect(await history('acme/notes')).toMatchObject({
      repository: 'acme/notes',
      runs: [{ id: 20_000, jobs: [{ name: 'build' }], artifacts: [{ name: 'log' }] }],
      metadata: { total: 1, stale: false },
    })
    expect(
      (await status('?limit=500')).pipelines.map(({ repository }) => repository),
    ).not.toContain('acme/notes')
  })

  it('is not there where GitHub does not know it, and asked for once a minute', async () => {
    const answers = []
    for (let asked = 0; asked < 3; asked++) {
      answers.push(await server.request('GET', `${base}/history/acme/none`))
    }
    expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404])
    const asked = github.seen.filter(({ repository }) => repository === 'acme/none')
    expect(asked).toHaveLength(1)
  })

  it('cannot be had while GitHub is away', async () => {
    github.behave(() => refusal(503, 'Unavailable'))
    const answer = await server.request('GET', `${base}/history/acme/other`)
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    // What is stored is shown all the same.
    expect((await history('acme/notes')).runs).toHaveLength(1)
    github.behave(null)
  })
})

describe('a workflow', () => {
  const trigger = (more: object = {}) =>
    server.request('POST', `${base}/trigger`, {
      body: { repository: 'acme/shop', workflow: 'ci.yml', inputs: { debug: 'true' }, ...more },
    })

  it('is started, and its run is named and shown soon', async () => {
    const answer = await trigger()
    expect(answer.status).toBe(200)
    const { runId, runUrl } = (await answer.json()) as TriggerPipelineResponse
    expect(runUrl).toBe(`${github.url}/acme/shop/actions/runs/${runId}`)
    await expect
      .poll(async () => (await status()).pipelines.map((pipeline) => pipeline.runId), {
        timeout: 5_000,
      })
      .toContain(runId)
  })

  it('is started, and its run is found where GitHub does not name it', async () => {
    github.actions.tellsRuns = false
    const answer = await trigger()
    const { runId } = (await answer.json()) as TriggerPipelineResponse
    const runs = [...(github.actions.repositories[0]?.runs.keys() ?? [])]
    expect(runId).toBe(runs.at(-1))
    github.actions.tellsRuns = true
  })

  it('is started where nobody can say which run it is', async () => {
    github.actions.tellsRuns = false
    github.behave(({ operation }) =>
      operation === 'actions/list-workflow-runs-for-repo' ? { kind: 'never answer' } : undefined,
    )
    const answer = await trigger()
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ success: true, runId: null, runUrl: null })
    github.behave(null)
    github.actions.tellsRuns = true
  })

  it('is not started twice where GitHub loses the answer', async () => {
    const count = () => github.actions.repositories[0]?.runs.size ?? 0
    const before = count()
    github.behave(({ operation }) =>
      operation === 'actions/create-workflow-dispatch' ? { kind: 'lose the answer' } : undefined,
    )
    expect((await trigger()).status).toBe(503)
    github.behave(null)
    expect(count()).toBe(before + 1)
  })
})

it('answers 503 while GitHub is away from the start, and by itself as soon as it is back', async () => {
  const late = await startGitHubStandIn({ token })
  late.actions.addRepository('acme/late')
  late.actions.putRun('acme/late', { id: 1, ...ended, created_at: ago(minute) })
  late.behave(() => refusal(502, 'Server Error'))
  const other = await startTestServer({
    GITHUB_API_URL: late.url,
    GITHUB_TOKEN: token,
    MONITORED_REPOSITORIES: 'acme/late',
    SLIPWAY_MONITOR_INTERVAL: '1s',
  })
  onTestFinished(async () => {
    await other.close()
    await late.close()
  })
  const answered = async () => (await other.request('GET', `${base}/status`)).status
  await expect.poll(answered, { timeout: 20_000 }).toBe(503)
  expect((await other.request('GET', `${base}/history/acme/late`)).status).toBe(503)
  late.behave(null)
  await expect.poll(answered, { timeout: 20_000 }).toBe(200)
  expect((await history('acme/late', '', other)).runs).toHaveLength(1)
}, 60_000)
