// A worker on another machine as far as its requests go: a run done by hand, and what is refused on the way.
import type { PlatformError } from '@slipway/contract/errors'
import type { ClaimedWorkerJob, ClaimJobsResponse } from '@slipway/contract/worker-api'
import type { BeginTaskResponse, LocateRepositoryResponse } from '@slipway/contract/worker-runs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { registerTestWorker, type RegisteredWorker } from '../support/held-task.ts'
import { finishedRun, getRun, startRun, stepNamed, tasksOf } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

vi.setConfig({ testTimeout: 60_000 })

let server: TestServer
let worker: RegisteredWorker
let other: RegisteredWorker
let commits = 0
const repository = 'acme/by-hand'
beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_WORKER_TYPES: '' })
  worker = await registerTestWorker(server)
  other = await registerTestWorker(server)
  await server.json('POST', '/api/repositories', {
    body: { name: repository, repository_url: 'https://git.example.test/by-hand.git' },
  })
  const scope = encodeURIComponent(repository)
  await server.json('PUT', `/v1/secrets/${scope}/TOKEN`, { body: { value: 'x7' }, expect: 201 })
})
afterAll(() => server?.close())

const begin = () => startRun(server, repository, String((commits += 1)).padStart(40, '0'))

async function ask(
  method: string,
  path: string,
  body?: unknown,
  as = worker,
): Promise<{ status: number; body: unknown }> {
  const response = await server.request(method, `/v1/workers/${as.id}${path}`, {
    token: as.token,
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

const codeOf = (answer: { body: unknown }) => (answer.body as PlatformError).error.code

/** The next job of a type; there is one. */
async function claim(type: string): Promise<ClaimedWorkerJob & { path: string }> {
  const answer = await ask('POST', '/claims', { types: [type], limit: 1 })
  const [job] = (answer.body as ClaimJobsResponse).jobs
  if (job === undefined) throw new Error(`no ${type} waits`)
  return { ...job, path: `/jobs/${job.id}/attempts/${job.attempt}` }
}

function configuration(steps: readonly object[] = [{ name: 'one' }]) {
  const command = {
    action: 'run',
    with: { run: 'true' },
    timeoutMs: 60_000,
    env: {},
    secrets: [],
    image: null,
    network: 'none',
  }
  return {
    ok: true,
    commitSha: String(commits).padStart(40, '0'),
    repository: {
      file: '.forge/repo.json',
      forgeVersion: '1',
      tagging: { strategy: 'monorepo' },
      phases: [{ name: 'test', group: 1, description: null, timeoutMs: 60_000, required: false }],
      publishers: [],
      environments: [],
    },
    projects: [
      {
        name: 'app',
        path: '.',
        file: '.forge/project.json',
        phases: [
          { name: 'test', steps: steps.map((step) => ({ ...command, needs: [], ...step })) },
        ],
        artifacts: [],
        release: { on: [] },
        deploy: { resources: [] },
      },
    ],
  }
}

/** A task in the worker's hands, begun. */
async function taskInHand(steps?: readonly object[]) {
  const id = await begin()
  const discovery = await claim('discovery')
  const found = await ask('POST', `${discovery.path}/discovery`, {
    discovery: configuration(steps),
  })
  expect(found, JSON.stringify(found)).toEqual({ status: 204, body: null })
  const job = await claim('task')
  const begun = await ask('POST', `${job.path}/task`)
  expect(begun.status).toBe(200)
  return { id, job, attempt: (begun.body as BeginTaskResponse).attempt }
}

describe('a run that is done by requests', () => {
  it('is told where its repository is, begun, reported and over', async () => {
    const id = await begin()
    const discovery = await claim('discovery')
    expect(discovery).toMatchObject({ type: 'discovery', run_id: id, attempt: 1 })
    const where = await ask('GET', `${discovery.path}/repository`)
    expect((where.body as LocateRepositoryResponse).location).toMatchObject({
      ok: true,
      remote: { url: 'https://git.example.test/by-hand.git' },
    })
    const found = { discovery: configuration() }
    expect((await ask('POST', `${discovery.path}/discovery`, found)).status).toBe(204)
    const job = await claim('task')
    const { attempt } = (await ask('POST', `${job.path}/task`)).body as BeginTaskResponse
    expect(attempt).toMatchObject({ number: 1, steps: [{ step: { name: 'one', action: 'run' } }] })
    const [step] = attempt.steps
    const report = {
      attempt: 1,
      steps: [{ id: step?.id, status: 'success', exitCode: 0 }],
      task: { status: 'success' },
    }
    const first = await ask('POST', `${job.path}/report`, { report })
    expect(first).toEqual({ status: 204, body: null })
    // The answer may have been lost.
    expect((await ask('POST', `${job.path}/report`, { report })).status).toBe(204)
    const run = await finishedRun(server, id)
    expect(run.status).toBe('success')
    expect(stepNamed(run, 'one')).toMatchObject({ status: 'success', exit_code: 0 })
    const failed = { report: { attempt: 1, task: { status: 'failed' } } }
    expect(codeOf(await ask('POST', `${job.path}/report`, failed))).toBe('resource_conflict')
  })

  it('fails with what discovery found wrong', async () => {
    const id = await begin()
    const job = await claim('discovery')
    const problems = [{ file: '.forge/repo.yaml', path: '/phases', line: 3, message: 'no' }]
    const discovery = { ok: false, message: 'It is not valid', problems }
    await ask('POST', `${job.path}/discovery`, { discovery })
    expect(await finishedRun(server, id)).toMatchObject({
      status: 'failed',
      message: 'It is not valid',
      problems,
    })
  })

  it('may be larger than other requests', async () => {
    const text = `echo ${'x'.repeat(90_000)}`
    const steps = Array.from({ length: 160 }, (_, n) => ({
      name: `step-${n}`,
      with: { run: text },
    }))
    const { id, attempt } = await taskInHand(steps)
    expect(attempt.steps).toHaveLength(160)
    expect(JSON.stringify(attempt).length).toBeGreaterThan(14_000_000)
    await server.request('DELETE', `/v1/runs/${id}`)
  })

  it.each<[string, object]>([
    ['no result', {}],
    ['no commit', { ok: true, repository: {}, projects: [] }],
    ['an unknown shape', { ok: 'yes' }],
    ['another commit', { projects: [], commitSha: 'f'.repeat(40) }],
    ['a step without an action', { projects: 'none' }],
  ])('is not taken where discovery says %s', async (_, wrong) => {
    const id = await begin()
    const job = await claim('discovery')
    const discovery = 'projects' in wrong ? { ...configuration(), ...wrong } : wrong
    const answer = await ask('POST', `${job.path}/discovery`, { discovery })
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request'])
    expect((await getRun(server, id)).status).toBe('pending')
    await server.request('DELETE', `/v1/runs/${id}`)
  })
})

describe('the secrets of a run', () => {
  it('are given to who holds one of its jobs, and only as long', async () => {
    const { id, job } = await taskInHand()
    const names = { names: ['TOKEN', 'NONE'] }
    const given = await ask('POST', `${job.path}/secrets`, names)
    expect(given).toEqual({ status: 200, body: { values: { TOKEN: 'x7' }, refusal: null } })
    const theirs = await ask('POST', `${job.path}/secrets`, names, other)
    expect(codeOf(theirs)).toBe('resource_conflict')
    const attempts = [{ id: job.id, attempt: job.attempt }]
    await ask('POST', '/releases', { attempts, error: 'lost' })
    expect(codeOf(await ask('POST', `${job.path}/secrets`, names))).toBe('resource_conflict')
    expect(codeOf(await ask('GET', `${job.path}/repository`))).toBe('resource_conflict')
    await server.request('DELETE', `/v1/runs/${id}`)
  })

  it.each([{ names: [] }, { names: [''] }, {}, { names: ['A'], more: 1 }])(
    'are asked for by name, and not by %j',
    async (body) => {
      const { id, job } = await taskInHand()
      const answer = await ask('POST', `${job.path}/secrets`, body)
      expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request'])
      await server.request('DELETE', `/v1/runs/${id}`)
    },
  )
})

describe('a report', () => {
  it('is about the task of the job, whatever its steps are', async () => {
    const [one, two] = [await taskInHand(), await taskInHand()]
    const [foreign] = two.attempt.steps
    const report = { attempt: 1, steps: [{ id: foreign?.id, status: 'success' }] }
    const answer = await ask('POST', `${one.job.path}/report`, { report })
    expect(codeOf(answer)).toBe('resource_not_found')
    expect(tasksOf(await getRun(server, two.id))[0]?.steps[0]?.status).toBe('pending')
    for (const { id } of [one, two]) await server.request('DELETE', `/v1/runs/${id}`)
  })

  it('of a cancelled run, of another attempt or of no shape is refused', async () => {
    const { id, job, attempt } = await taskInHand()
    const step = { id: attempt.steps[0]?.id, status: 'running' }
    const report = (body: unknown) => ask('POST', `${job.path}/report`, body)
    expect(codeOf(await report({ report: { attempt: 2, steps: [step] } }))).toBe(
      'resource_conflict',
    )
    for (const wrong of [
      {},
      { report: {} },
      { report: { attempt: 1, task: { status: 'pending' } } },
      { report: { attempt: 1, steps: [{ ...step, status: 'done' }] } },
      { report: { attempt: 1, steps: [{ ...step, exitCode: 1.5 }] } },
      { report: { attempt: 1, steps: [{ ...step, error: 'a\u0000' }] } },
    ]) {
      expect(codeOf(await report(wrong)), JSON.stringify(wrong)).toBe('invalid_request')
    }
    await server.request('DELETE', `/v1/runs/${id}`)
    expect(codeOf(await report({ report: { attempt: 1, steps: [step] } }))).toBe(
      'resource_conflict',
    )
  })
})
