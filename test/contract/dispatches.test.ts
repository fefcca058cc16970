// Stages of runs that steps of workflows release and wait for; API & Operations Reference, "Timeout Handling".
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CreatedToken } from '@slipway/contract/access'
import type { Dispatch } from '@slipway/contract/dispatches'
import type { PlatformError } from '@slipway/contract/errors'
import type { ListPullRequestsResponse } from '@slipway/contract/github'
import type { ListRunsResponse, Run, RunSummary } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { pullRequestOf, pushOf, signDelivery } from '../support/github/deliver.ts'
import { inGroups, step } from '../support/phase-groups.ts'
import { finishedRun, getRun, startRun, tasksOf, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let folder: string
let server: TestServer
let repository: TestRepository
let token: string
const name = 'mycompany/myrepo'
const webhookSecret = 'what GitHub signs with'
const nobody = '018f0000-0000-7000-8000-000000000000'

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-kubeconfig-'))
  const kubeconfig = join(folder, 'config')
  const cluster = { name: 'none', cluster: { server: 'https://127.0.0.1:9' } }
  const user = { name: 'none', user: { token: 'a-token' } }
  const context = { name: 'none', context: { cluster: 'none', user: 'none' } }
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'none',
      clusters: [cluster],
      users: [user],
      contexts: [context],
    }),
  )
  // Nobody listens there: what orchestrates is this test.
  server = await startTestServer({
    SLIPWAY_ORCHESTRATOR: 'argo',
    ARGO_SERVER_URL: 'http://127.0.0.1:9',
    KUBECONFIG: kubeconfig,
    GITHUB_WEBHOOK_SECRET: webhookSecret,
  })
  repository = await createRepository(server.repositories, name)
  token = await createToken({})
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function createToken(more: object): Promise<string> {
  const body = { name: `dispatcher ${Math.random()}`, roles: ['service-account'], ...more }
  return (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
}
const begin = async (files: Record<string, string | null>) =>
  startRun(server, name, await repository.commit(files))
const post = (id: string, body: unknown, as: string | null = token) =>
  server.request('POST', `/v1/runs/${id}/dispatches`, { body, token: as })
const dispatch = async (id: string, stage: string): Promise<Dispatch> => {
  const response = await post(id, { stage })
  expect(response.ok).toBe(true)
  return (await response.json()) as Dispatch
}
const get = (id: string, dispatchId: string, query = '') =>
  server.json<Dispatch>('GET', `/v1/runs/${id}/dispatches/${dispatchId}${query}`, { token })
/** Waits for its end. */
async function ended(id: string, stage: string): Promise<Dispatch> {
  const { id: dispatchId } = await dispatch(id, stage)
  let found = await get(id, dispatchId)
  for (let n = 0; n < 10 && found.status === 'running'; n++) {
    found = await get(id, dispatchId, '?wait=10')
  }
  return found
}
async function code(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as PlatformError).error.code]
}

describe('POST /v1/runs/{id}/dispatches', () => {
  it('lets discovery begin, once', async () => {
    const id = await begin(inGroups('true'))
    const first = await post(id, { stage: 'discovery' })
    expect(first.status).toBe(201)
    const made = (await first.json()) as Dispatch
    expect(first.headers.get('location')).toBe(`/v1/runs/${id}/dispatches/${made.id}`)
    expect(made).toMatchObject({
      run_id: id,
      stage: 'discovery',
      timeout_seconds: 600,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    const again = await post(id, { stage: 'discovery' })
    expect(again.status).toBe(200)
    expect(await again.json()).toMatchObject({ id: made.id, stage: 'discovery' })
    await ended(id, 'discovery')
    await ended(id, 'group-1')
    expect((await finishedRun(server, id)).status).toBe('success')
  })

  it('does not know groups before discovery, and none that the run does not have', async () => {
    const id = await begin(inGroups('true'))
    expect(await code(await post(id, { stage: 'group-1' }))).toEqual([409, 'resource_conflict'])
    await ended(id, 'discovery')
    expect(await code(await post(id, { stage: 'group-7' }))).toEqual([404, 'resource_not_found'])
    await server.request('DELETE', `/v1/runs/${id}`)
  })

  it('lets earlier groups begin with a later one, and no later one with it', async () => {
    const id = await begin(inGroups('true', 'true', 'true'))
    await ended(id, 'discovery')
    expect(tasksOf(await getRun(server, id)).map(({ status }) => status)).toEqual([
      'pending',
      'pending',
      'pending',
    ])
    expect((await ended(id, 'group-2')).status).toBe('success')
    const run = await getRun(server, id)
    expect(run.status).toBe('running')
    expect(run.phases.map(({ status }) => status)).toEqual(['success', 'success', 'pending'])
    expect((await ended(id, 'group-1')).status).toBe('success')
    expect((await ended(id, 'group-3')).result).toMatchObject({ run_status: 'success' })
  })

  it('tells of a stage that the end of its run has left undone', async () => {
    const id = await begin(inGroups('exit 1', 'true'))
    await ended(id, 'discovery')
    expect((await ended(id, 'group-1')).status).toBe('failed')
    expect(await ended(id, 'group-2')).toMatchObject({
      status: 'failed',
      remaining_seconds: 0,
      result: { status: 'failed', message: expect.stringContaining('phase1') },
    })
  })

  it.each([
    [{}, 'stage'],
    [{ stage: 'group-0' }, 'stage'],
    [{ stage: 'phase' }, 'stage'],
    [{ stage: 'discovery', force: true }, 'force'],
  ])('refuses %j', async (body, field) => {
    const response = await post(nobody, body)
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as PlatformError
    expect([error.code, JSON.stringify(error.details)]).toEqual([
      'invalid_request',
      expect.stringContaining(field),
    ])
  })

  it('is for service accounts only, and for those that see the repository', async () => {
    const id = await begin(inGroups('true'))
    const stage = 'discovery'
    expect(await code(await post(id, { stage }, null))).toEqual([401, 'authentication_failed'])
    expect(await code(await post(id, { stage }, server.token))).toEqual([
      403,
      'authorization_failed',
    ])
    const limited = await createToken({ repositories: ['other/repo'] })
    expect(await code(await post(id, { stage }, limited))).toEqual([404, 'resource_not_found'])
    expect(await code(await post(nobody, { stage }))).toEqual([404, 'resource_not_found'])
    const { id: made } = await dispatch(id, stage)
    for (const path of [`dispatches/${made}`, `dispatches/${made}/result`]) {
      const response = await server.request('GET', `/v1/runs/${id}/${path}`, { token: limited })
      expect(await code(response)).toEqual([404, 'resource_not_found'])
    }
    const report = { token: limited, body: { status: 'Failed' } }
    const told = await server.request('PUT', `/v1/runs/${id}/workflow`, report)
    expect(await code(told)).toEqual([404, 'resource_not_found'])
    await server.request('DELETE', `/v1/runs/${id}`)
  })
})

describe('GET /v1/runs/{id}/dispatches/{dispatch_id}', () => {
  it('answers at the end of the stage, wherever that comes from', async () => {
    const id = await begin(oneProject([step('sleep 300')]))
    await ended(id, 'discovery')
    const { id: made } = await dispatch(id, 'group-1')
    await waitForRun(server, id, (run) => tasksOf(run)[0]?.status === 'running')
    const waiting = get(id, made, '?wait=60')
    await server.request('DELETE', `/v1/runs/${id}`)
    expect(await waiting).toMatchObject({
      status: 'cancelled',
      result: {
        run_status: 'cancelled',
        message: 'Cancelled by admin',
        phases: [{ name: 'test', status: 'failed', tasks: [{ status: 'failed', attempt: 1 }] }],
      },
    })
  })

  it('answers when it has waited long enough', async () => {
    const id = await begin(oneProject([step('sleep 300')]))
    await ended(id, 'discovery')
    const { id: made } = await dispatch(id, 'group-1')
    const found = await get(id, made, '?wait=1')
    expect(found).toMatchObject({ status: 'running', timeout_seconds: 1_800 })
    expect(found).not.toHaveProperty('result')
    expect(found.remaining_seconds).toBeGreaterThan(1_800)
    const early = await server.request('GET', `/v1/runs/${id}/dispatches/${made}/result`, { token })
    expect(await code(early)).toEqual([409, 'resource_conflict'])
    await server.request('DELETE', `/v1/runs/${id}`)
  })

  it('is of its own run only', async () => {
    const id = await begin(inGroups('true'))
    const { id: made } = await dispatch(id, 'discovery')
    const other = await server.request('GET', `/v1/runs/${nobody}/dispatches/${made}`, { token })
    expect(await code(other)).toEqual([404, 'resource_not_found'])
    const long = await server.request('GET', `/v1/runs/${id}/dispatches/${made}?wait=61`, { token })
    expect(await code(long)).toEqual([400, 'invalid_request'])
    await server.request('DELETE', `/v1/runs/${id}`)
  })
})

describe('PUT /v1/runs/{id}/workflow', () => {
  const tell = (id: string, body: unknown) =>
    server.request('PUT', `/v1/runs/${id}/workflow`, { body, token })

  it('fails a run that nobody releases any more, and says which step failed', async () => {
    const id = await begin(oneProject([step('sleep 300')]))
    await ended(id, 'discovery')
    await dispatch(id, 'group-1')
    await waitForRun(server, id, (run) => tasksOf(run)[0]?.status === 'running')
    const failures = [
      { step: 'stage', message: "child 'x' failed" },
      { step: 'dispatch(0)', message: 'main: Error (exit code 124)' },
    ]
    for (let n = 0; n < 2; n++) {
      const response = await tell(id, { status: 'Failed', failures })
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ run_id: id, run_status: 'failed' })
    }
    expect(await getRun(server, id)).toMatchObject({
      status: 'failed',
      message: 'The workflow ended as Failed: dispatch(0): main: Error (exit code 124)',
      phases: [{ status: 'failed' }],
    })
  })

  it('changes nothing of a run that has ended', async () => {
    const id = await begin(inGroups('true'))
    await ended(id, 'discovery')
    await ended(id, 'group-1')
    const response = await tell(id, { status: 'Error' })
    expect(await response.json()).toEqual({ run_id: id, run_status: 'success' })
  })

  it.each([
    [{}, 'status'],
    [{ status: 'Running' }, 'status'],
    [{ status: 'Failed', failures: [{ step: 'x' }] }, 'message'],
    [{ status: 'Failed', failures: [{ step: 'x', message: '\u0000' }] }, 'message'],
  ])('refuses %j', async (body, field) => {
    const response = await tell(nobody, body)
    expect(response.status).toBe(400)
    expect(JSON.stringify(await response.json())).toContain(field)
  })

  it('is 404 for a run that is not there', async () => {
    expect(await code(await tell(nobody, { status: 'Failed' }))).toEqual([
      404,
      'resource_not_found',
    ])
  })
})

describe('a run that GitHub asks for', () => {
  const deliver = async (event: string, payload: object) => {
    const { headers, body } = signDelivery(webhookSecret, event, payload)
    const url = new URL('/v1/webhooks/github', server.url)
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(202)
  }
  const runOf = async (): Promise<Run> => {
    let first: RunSummary | undefined
    await expect
      .poll(async () => {
        const path = `/v1/runs?repository=${encodeURIComponent(name)}&limit=1`
        ;[first] = (await server.json<ListRunsResponse>('GET', path)).runs
        return first?.triggered_by
      })
      .toBe('github-user')
    return getRun(server, first?.id ?? '')
  }
  const sender = { login: 'github-user' }

  it('waits for its workflow like any other, also that of a fork that was let in', async () => {
    const pushed = await repository.commit(inGroups('true'))
    await deliver('push', pushOf(name, 'refs/heads/main', pushed, { sender }))
    const run = await runOf()
    expect(run).toMatchObject({ status: 'pending', workflow: { status: 'waiting' }, phases: [] })
    await server.request('DELETE', `/v1/runs/${run.id}`)
    const forked = await repository.commit(inGroups('true', 'true'))
    const offered = pullRequestOf(name, { number: 7, commit: forked, fork: 'stranger/repo' })
    await deliver('pull_request', offered)
    let id: string | undefined
    await expect
      .poll(async () => {
        const path = `/v1/pull-requests?repository=${encodeURIComponent(name)}`
        const { pull_requests: found } = await server.json<ListPullRequestsResponse>('GET', path)
        return (id = found[0]?.id)
      })
      .toBeDefined()
    const approved = await server.json<{ id: string }>('POST', `/v1/pull-requests/${id}/approve`)
    expect(await getRun(server, approved.id)).toMatchObject({
      trigger_type: 'pull_request',
      workflow: { name: `slipway-run-${approved.id}`, status: 'waiting' },
    })
    await server.request('DELETE', `/v1/runs/${approved.id}`)
  })
})
