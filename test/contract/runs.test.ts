// API & Operations Reference, "Pipeline APIs": every field, parameter, status and error.
import type { CreatedToken } from '@slipway/contract/access'
import type { PlatformError } from '@slipway/contract/errors'
import { CreateRunResponse, ListRunsResponse, Run } from '@slipway/contract/runs'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, startRun, stepNamed, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
const name = 'mycompany/myrepo'

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
})
afterAll(() => server.close())

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

async function newToken(roles: string[], repositories?: string[]): Promise<string> {
  const body = { name: `t${Math.random()}`, roles, ...(repositories ? { repositories } : {}) }
  return (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
}

async function refusal(response: Response): Promise<{ status: number } & PlatformError['error']> {
  const { error } = (await response.json()) as PlatformError
  return { status: response.status, ...error }
}

const example = {
  repository: name,
  branch: 'main',
  commit_sha: 'abc123def456',
  triggered_by: 'alice@company.com',
  trigger_type: 'push',
}

describe('POST /v1/runs', () => {
  it('answers the document’s example with 201, id, status and started_at', async () => {
    const response = await server.request('POST', '/v1/runs', { body: example })
    expect(response.status).toBe(201)
    const body = (await response.json()) as CreateRunResponse
    expect(Object.keys(body).toSorted()).toEqual(['id', 'started_at', 'status'])
    expect(body.id).toMatch(uuid)
    expect(body.status).toBe('pending')
    expect(body.started_at).toMatch(iso)
    expect(Value.Check(CreateRunResponse, body)).toBe(true)
    const run = await finishedRun(server, body.id)
    expect(run).toMatchObject({ status: 'failed', commit_sha: 'abc123def456' })
    expect(run.message).toContain('no such commit')
  })

  it('takes each documented trigger type', async () => {
    for (const trigger_type of ['push', 'pull_request', 'manual']) {
      const commit = await repository.commit(
        oneProject([{ name: 'a', action: 'run', run: 'true' }]),
      )
      const id = await startRun(server, name, commit, { trigger_type })
      expect((await finishedRun(server, id)).trigger_type).toBe(trigger_type)
    }
  })

  it('names every problem of a bad request at once', async () => {
    const body = {
      repository: 'no-slash',
      branch: '',
      commit_sha: 'xyz',
      trigger_type: 'cron',
      extra: 1,
    }
    const error = await refusal(await server.request('POST', '/v1/runs', { body }))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    const problems = error.details?.problems as { path: string }[]
    expect(problems.map(({ path }) => path).toSorted()).toEqual(
      expect.arrayContaining(['/branch', '/commit_sha', '/repository', '/trigger_type']),
    )
    expect(JSON.stringify(problems)).toContain('extra')
  })

  it.each(['repository', 'branch', 'commit_sha', 'trigger_type'])('requires %s', async (field) => {
    const body = Object.fromEntries(Object.entries(example).filter(([key]) => key !== field))
    const error = await refusal(await server.request('POST', '/v1/runs', { body }))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.stringify(error.details)).toContain(field)
  })

  it('refuses a branch that git would refuse, and a body that is no JSON', async () => {
    const branch = await server.request('POST', '/v1/runs', {
      body: { ...example, branch: 'a..b' },
    })
    expect(await refusal(branch)).toMatchObject({ status: 400, code: 'invalid_request' })
    const response = await fetch(`${server.url}/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      body: '{"repository":',
    })
    expect(await refusal(response)).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  it('does not take numbers for strings', async () => {
    const error = await refusal(
      await server.request('POST', '/v1/runs', { body: { ...example, commit_sha: 1234567 } }),
    )
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  it('is 409 with the id while the same commit and ref are active, and free again afterwards', async () => {
    const commit = await repository.commit(
      oneProject([{ name: 'wait', action: 'run', run: 'sleep 60' }]),
    )
    const id = await startRun(server, name, commit)
    const second = await server.request('POST', '/v1/runs', {
      body: { ...example, commit_sha: commit },
    })
    const error = await refusal(second)
    expect(error).toMatchObject({ status: 409, code: 'resource_conflict', details: { run_id: id } })
    const elsewhere = await startRun(server, name, commit, { branch: 'other' })
    await server.request('DELETE', `/v1/runs/${elsewhere}`)
    await server.request('DELETE', `/v1/runs/${id}`)
    const again = await startRun(server, name, commit)
    await server.request('DELETE', `/v1/runs/${again}`)
  })

  it('believes triggered_by from service accounts only', async () => {
    const commit = await repository.commit(oneProject([{ name: 'a', action: 'run', run: 'true' }]))
    const body = { ...example, commit_sha: commit }
    const asService = await server.json<CreateRunResponse>('POST', '/v1/runs', {
      body,
      token: await newToken(['service-account']),
    })
    expect((await finishedRun(server, asService.id)).triggered_by).toBe('alice@company.com')
    const asUser = await server.json<CreateRunResponse>('POST', '/v1/runs', { body })
    expect((await finishedRun(server, asUser.id)).triggered_by).toBe('admin')
  })

  it('is 401 without a token, 403 without the permission or for a repository out of scope', async () => {
    const anonymous = await server.request('POST', '/v1/runs', { body: example, token: null })
    expect(await refusal(anonymous)).toMatchObject({ status: 401, code: 'authentication_failed' })
    const viewer = await server.request('POST', '/v1/runs', {
      body: example,
      token: await newToken(['viewer']),
    })
    expect(await refusal(viewer)).toMatchObject({ status: 403, code: 'authorization_failed' })
    const other = await newToken(['developer'], ['mycompany/other'])
    const foreign = await server.request('POST', '/v1/runs', { body: example, token: other })
    expect(await refusal(foreign)).toMatchObject({ status: 403, code: 'authorization_failed' })
  })
})

describe('GET /v1/runs/{id}', () => {
  it('answers every documented field, phases with tasks with steps', async () => {
    const commit = await repository.commit(
      oneProject([{ name: 'hello', action: 'run', run: 'echo hello' }], 'build'),
    )
    const id = await startRun(server, name, commit)
    const run = await finishedRun(server, id)
    expect(Value.Check(Run, run)).toBe(true)
    expect(run).toMatchObject({
      id,
      repository: name,
      branch: 'main',
      commit_sha: commit,
      status: 'success',
      triggered_by: 'admin',
      trigger_type: 'push',
    })
    expect(run.started_at).toMatch(iso)
    expect(run.completed_at).toMatch(iso)
    const [phase] = run.phases
    expect(phase).toMatchObject({ name: 'build', group_number: 1, status: 'success' })
    expect(phase?.id).toMatch(uuid)
    expect(phase?.started_at).toMatch(iso)
    expect(phase?.completed_at).toMatch(iso)
    const [task] = phase?.tasks ?? []
    expect(task).toMatchObject({ project_name: 'app', status: 'success', attempt: 1 })
    expect(task?.id).toMatch(uuid)
    const [step] = task?.steps ?? []
    expect(step).toMatchObject({ name: 'hello', status: 'success', exit_code: 0 })
    expect(step?.id).toMatch(uuid)
    expect(new URL(step?.logs_url ?? '').origin).toBe(server.url)
  })

  it('resolves an abbreviated commit', async () => {
    const commit = await repository.commit(oneProject([{ name: 'a', action: 'run', run: 'true' }]))
    const id = await startRun(server, name, commit.slice(0, 10))
    expect(await finishedRun(server, id)).toMatchObject({ status: 'success', commit_sha: commit })
  })

  it('is 404 for an unknown id or a hidden repository, 400 for what is no id', async () => {
    const unknown = await server.request('GET', '/v1/runs/018f0000-0000-7000-8000-000000000000')
    expect(await refusal(unknown)).toMatchObject({ status: 404, code: 'resource_not_found' })
    const id = await startRun(server, name, '0'.repeat(40))
    const scoped = await newToken(['developer'], ['mycompany/other'])
    for (const method of ['GET', 'DELETE']) {
      const hidden = await server.request(method, `/v1/runs/${id}`, { token: scoped })
      expect(await refusal(hidden)).toMatchObject({ status: 404, code: 'resource_not_found' })
    }
    const wrong = await server.request('GET', '/v1/runs/42')
    expect(await refusal(wrong)).toMatchObject({ status: 400, code: 'invalid_request' })
  })
})

describe('GET /v1/runs', () => {
  it('pages through a repository, newest first, with a true total', async () => {
    const listed = 'mycompany/listed'
    const ids: string[] = []
    for (let n = 0; n < 5; n++) {
      ids.unshift(
        await startRun(server, listed, `${n}`.repeat(40), { branch: n % 2 ? 'odd' : 'even' }),
      )
    }
    const all = await server.json<ListRunsResponse>('GET', `/v1/runs?repository=${listed}`)
    expect(Value.Check(ListRunsResponse, all)).toBe(true)
    expect(all).toMatchObject({ total: 5, limit: 20, offset: 0 })
    expect(all.runs.map(({ id }) => id)).toEqual(ids)
    expect(all.runs[0]).toMatchObject({ repository: listed, commit_sha: '4'.repeat(40) })
    expect(all.runs[0]?.started_at).toMatch(iso)
    const page = await server.json<ListRunsResponse>(
      'GET',
      `/v1/runs?repository=${listed}&limit=2&offset=3`,
    )
    expect(page).toMatchObject({ total: 5, limit: 2, offset: 3 })
    expect(page.runs.map(({ id }) => id)).toEqual(ids.slice(3))
    const branch = await server.json<ListRunsResponse>(
      'GET',
      `/v1/runs?repository=${listed}&branch=odd`,
    )
    expect(branch.total).toBe(2)
    expect(branch.runs.map(({ id }) => id)).toEqual([ids[1], ids[3]])
    const past = await server.json<ListRunsResponse>(
      'GET',
      `/v1/runs?repository=${listed}&offset=9`,
    )
    expect(past).toMatchObject({ runs: [], total: 5, offset: 9 })
    const none = await server.json<ListRunsResponse>('GET', '/v1/runs?repository=mycompany/none')
    expect(none).toEqual({ runs: [], total: 0, limit: 20, offset: 0 })
  })

  it.each([
    ['', 'repository'],
    ['?repository=x', 'repository'],
    ['?repository=a/b&limit=0', 'limit'],
    ['?repository=a/b&limit=101', 'limit'],
    ['?repository=a/b&limit=ten', 'limit'],
    ['?repository=a/b&offset=-1', 'offset'],
    ['?repository=a/b&status=failed', 'status'],
  ])('refuses %j', async (query, field) => {
    const error = await refusal(await server.request('GET', `/v1/runs${query}`))
    expect(error).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.stringify(error.details)).toContain(field)
  })

  it('is 403 for a repository out of scope', async () => {
    const token = await newToken(['viewer'], ['mycompany/other'])
    const error = await refusal(
      await server.request('GET', `/v1/runs?repository=${name}`, { token }),
    )
    expect(error).toMatchObject({ status: 403, code: 'authorization_failed' })
  })
})

describe('DELETE /v1/runs/{id}', () => {
  it('is 204 with no body, 204 again when repeated, and stops what runs', async () => {
    const commit = await repository.commit(
      oneProject([{ name: 'wait', action: 'run', run: 'sleep 300' }]),
    )
    const id = await startRun(server, name, commit)
    await waitForRun(server, id, (run) => run.phases[0]?.tasks[0]?.steps[0]?.status === 'running')
    for (let n = 0; n < 2; n++) {
      const response = await server.request('DELETE', `/v1/runs/${id}`)
      expect(response.status).toBe(204)
      expect(await response.text()).toBe('')
    }
    const run = await finishedRun(server, id)
    expect(run.status).toBe('cancelled')
    expect(run.phases[0]?.status).toBe('failed')
    expect(stepNamed(run, 'wait').status).toBe('failed')
  })

  it('leaves what had not started pending under a skipped phase', async () => {
    const step = (run: string) => ({ steps: [{ name: 's', action: 'run', run }] })
    const commit = await repository.commit({
      '.forge/repo.json': JSON.stringify({
        forgeVersion: 1,
        phases: { one: { group: 1 }, two: { group: 2 } },
      }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: { one: step('sleep 300'), two: step('true') },
      }),
    })
    const id = await startRun(server, name, commit)
    await waitForRun(server, id, (run) => run.phases[0]?.status === 'running')
    await server.request('DELETE', `/v1/runs/${id}`)
    const [, second] = (await finishedRun(server, id)).phases
    expect(second).toMatchObject({ name: 'two', group_number: 2, status: 'skipped' })
    expect(second?.tasks[0]).toMatchObject({ status: 'pending', steps: [{ status: 'pending' }] })
  })

  it('is 409 for a run that has ended', async () => {
    const id = await startRun(server, name, '1'.repeat(40))
    await finishedRun(server, id)
    const error = await refusal(await server.request('DELETE', `/v1/runs/${id}`))
    expect(error).toMatchObject({ status: 409, code: 'resource_conflict' })
  })
})
