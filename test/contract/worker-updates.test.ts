// API & Operations Reference, "Internal Pipeline APIs".
import type { CreatedToken } from '@slipway/contract/access'
import type { PlatformError } from '@slipway/contract/errors'
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, startRun, stepNamed, tasksOf, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
let token: string
const name = 'mycompany/myrepo'

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
  const body = { name: 'worker', roles: ['service-account'] }
  token = (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
})
afterAll(() => server.close())

/** A run with one step that never ends by itself and one that waits for it. */
async function waitingRun(): Promise<Run> {
  const commit = await repository.commit(
    oneProject([
      { name: 'first', action: 'run', run: 'sleep 300' },
      { name: 'second', action: 'run', run: 'true', needs: ['first'] },
    ]),
  )
  const id = await startRun(server, name, commit)
  return waitForRun(server, id, (run) => tasksOf(run)[0]?.steps[0]?.status === 'running')
}

const put = (path: string, body: unknown, as: string | null = token) =>
  server.request('PUT', path, { body, token: as })

async function code(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as PlatformError).error.code]
}

describe('PUT /v1/steps/{id}/status', () => {
  it('takes the document’s fields and moves the step forward', async () => {
    const run = await waitingRun()
    const { id } = stepNamed(run, 'first')
    const logs_s3_key = `pipeline-runs/${run.id}/logs/test/app/first.log`
    const body = { status: 'success', exit_code: 0, logs_s3_key }
    const response = await put(`/v1/steps/${id}/status`, body)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ id, status: 'success' })
    const after = await waitForRun(
      server,
      run.id,
      (now) => stepNamed(now, 'first').status === 'success',
    )
    expect(stepNamed(after, 'first').exit_code).toBe(0)
    await server.request('DELETE', `/v1/runs/${run.id}`)
  })

  it('takes a repeated report, and refuses a contradicting one with 409', async () => {
    const run = await waitingRun()
    const { id } = stepNamed(run, 'first')
    for (const status of ['running', 'running']) {
      expect((await put(`/v1/steps/${id}/status`, { status })).status).toBe(200)
    }
    const done = { status: 'success', exit_code: 0 }
    expect((await put(`/v1/steps/${id}/status`, done)).status).toBe(200)
    expect((await put(`/v1/steps/${id}/status`, done)).status).toBe(200)
    for (const body of [{ status: 'failed', exit_code: 1 }, { status: 'running' }]) {
      expect(await code(await put(`/v1/steps/${id}/status`, body))).toEqual([
        409,
        'resource_conflict',
      ])
    }
    await server.request('DELETE', `/v1/runs/${run.id}`)
  })

  it('fails the task, phase and run of a failed step', async () => {
    const run = await waitingRun()
    const { id } = stepNamed(run, 'first')
    expect((await put(`/v1/steps/${id}/status`, { status: 'failed', exit_code: 3 })).status).toBe(
      200,
    )
    const end = await finishedRun(server, run.id)
    expect(end).toMatchObject({
      status: 'failed',
      phases: [{ status: 'failed', tasks: [{ status: 'failed' }] }],
    })
    expect(stepNamed(end, 'first').exit_code).toBe(3)
    expect(stepNamed(end, 'second').status).toBe('pending')
  })

  it('refuses what comes after the end of the run with 409', async () => {
    const run = await waitingRun()
    await server.request('DELETE', `/v1/runs/${run.id}`)
    const { id } = stepNamed(run, 'second')
    expect(await code(await put(`/v1/steps/${id}/status`, { status: 'running' }))).toEqual([
      409,
      'resource_conflict',
    ])
  })

  it.each([
    [{}, 'status'],
    [{ status: 'pending' }, 'status'],
    [{ status: 'success', exit_code: '0' }, 'exit_code'],
    [{ status: 'success', exit_code: 1.5 }, 'exit_code'],
    [{ status: 'success', log: 'x' }, 'log'],
  ])('refuses %j', async (body, field) => {
    const response = await put('/v1/steps/018f0000-0000-7000-8000-000000000000/status', body)
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as PlatformError
    expect(error.code).toBe('invalid_request')
    expect(JSON.stringify(error.details)).toContain(field)
  })

  it('is 404 for an unknown step, and for service accounts only', async () => {
    const path = '/v1/steps/018f0000-0000-7000-8000-000000000000/status'
    expect(await code(await put(path, { status: 'running' }))).toEqual([404, 'resource_not_found'])
    expect(await code(await put(path, { status: 'running' }, null))).toEqual([
      401,
      'authentication_failed',
    ])
    const body = { name: 'dev', roles: ['developer'] }
    const developer = (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
    expect(await code(await put(path, { status: 'running' }, developer))).toEqual([
      403,
      'authorization_failed',
    ])
  })
})

describe('a worker that is not trusted with everything', () => {
  it('gets no log but the run’s own into a step', async () => {
    const run = await waitingRun()
    const { id } = stepNamed(run, 'first')
    const other = '018f0000-0000-7000-8000-000000000000'
    for (const logs_s3_key of [
      `pipeline-runs/${other}/logs/test/app/first.log`,
      `pipeline-runs/${run.id}/logs/../../${other}/logs/a.log`,
      '../../../etc/passwd',
    ]) {
      const response = await put(`/v1/steps/${id}/status`, { status: 'running', logs_s3_key })
      expect(await code(response)).toEqual([400, 'invalid_request'])
    }
    await server.request('DELETE', `/v1/runs/${run.id}`)
  })

  it('does not see tasks and steps of a repository out of its scope', async () => {
    const run = await waitingRun()
    const body = { name: 'scoped', roles: ['service-account'], repositories: ['mycompany/other'] }
    const scoped = (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
    const step = `/v1/steps/${stepNamed(run, 'first').id}/status`
    const task = `/v1/tasks/${tasksOf(run)[0]!.id}/status`
    for (const path of [step, task]) {
      expect(await code(await put(path, { status: 'failed' }, scoped))).toEqual([
        404,
        'resource_not_found',
      ])
    }
    await server.request('DELETE', `/v1/runs/${run.id}`)
  })

  it('can’t begin a task before its phase', async () => {
    const steps = [{ name: 's', action: 'run', run: 'sleep 300' }]
    const commit = await repository.commit({
      '.forge/repo.json': JSON.stringify({ phases: { one: {}, two: { group: 2 } } }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: { one: { steps }, two: { steps } },
      }),
    })
    const id = await startRun(server, name, commit)
    const run = await waitForRun(server, id, (now) => now.phases[0]?.status === 'running')
    const task = run.phases[1]!.tasks[0]!
    expect(await code(await put(`/v1/tasks/${task.id}/status`, { status: 'running' }))).toEqual([
      409,
      'resource_conflict',
    ])
    await server.request('DELETE', `/v1/runs/${id}`)
  })
})

describe('PUT /v1/tasks/{id}/status', () => {
  it('fails a task with the reason given, and the run with it', async () => {
    const run = await waitingRun()
    const { id } = tasksOf(run)[0]!
    expect((await put(`/v1/tasks/${id}/status`, { status: 'running' })).status).toBe(200)
    const response = await put(`/v1/tasks/${id}/status`, { status: 'failed', error: 'disk full' })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ id, status: 'failed' })
    const end = await finishedRun(server, run.id)
    expect(end.status).toBe('failed')
    expect(end.message).toContain('disk full')
    expect(tasksOf(end)[0]).toMatchObject({ status: 'failed', error: 'disk full' })
    expect((await put(`/v1/tasks/${id}/status`, { status: 'failed' })).status).toBe(200)
    expect(await code(await put(`/v1/tasks/${id}/status`, { status: 'success' }))).toEqual([
      409,
      'resource_conflict',
    ])
  })

  it('refuses a success that its steps deny', async () => {
    const run = await waitingRun()
    const { id } = tasksOf(run)[0]!
    expect(await code(await put(`/v1/tasks/${id}/status`, { status: 'success' }))).toEqual([
      409,
      'resource_conflict',
    ])
    await server.request('DELETE', `/v1/runs/${run.id}`)
  })

  it('is 404 for an unknown task and 400 for what is no id', async () => {
    const unknown = '/v1/tasks/018f0000-0000-7000-8000-000000000000/status'
    expect(await code(await put(unknown, { status: 'running' }))).toEqual([
      404,
      'resource_not_found',
    ])
    expect(await code(await put('/v1/tasks/7/status', { status: 'running' }))).toEqual([
      400,
      'invalid_request',
    ])
  })
})
