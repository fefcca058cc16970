// A build in the hands of a worker on another machine, as far as its requests go.
import type { PlatformError } from '@slipway/contract/errors'
import type { Build } from '@slipway/contract/builds'
import type { BeginBuildResponse } from '@slipway/contract/worker-builds'
import type { ClaimJobsResponse } from '@slipway/contract/worker-api'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createRepository } from '../support/git-repository.ts'
import { registerTestWorker, type RegisteredWorker } from '../support/held-task.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

vi.setConfig({ testTimeout: 60_000 })

let server: TestServer
let worker: RegisteredWorker
let repositoryId: number
let url: string
const runs = '/api/pipelines/runs'
beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_WORKER_TYPES: '' })
  worker = await registerTestWorker(server)
  const made = await createRepository(server.repositories, 'acme/build')
  await made.commit({ a: 'a' })
  url = `file://${made.directory}`
  const { repository } = await server.json<{ repository: { id: number } }>(
    'POST',
    '/api/repositories',
    { body: { name: 'acme/build', repository_url: url } },
  )
  repositoryId = repository.id
})
afterAll(() => server?.close())

async function ask(method: string, path: string, body?: unknown) {
  const response = await server.request(method, `/v1/workers/${worker.id}${path}`, {
    token: worker.token,
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  const parsed: unknown = text === '' ? null : JSON.parse(text)
  return { status: response.status, body: parsed }
}

const codeOf = (answer: { body: unknown }) => (answer.body as PlatformError).error.code

/** A build whose first attempt the worker has begun; `path` is where that is. */
async function begun() {
  const { pipeline_run: build } = await server.json<{ pipeline_run: Build }>('POST', runs, {
    body: {
      steps_to_execute: ['clone_repo', 'create_zip'],
      git_repository_id: repositoryId,
      output_type: 'zip',
    },
  })
  await server.json('POST', `${runs}/${build.id}/execute?wait=false`, { expect: 202 })
  const claimed = await ask('POST', '/claims', { types: ['build'], limit: 1 })
  const [job] = (claimed.body as ClaimJobsResponse).jobs
  const path = `/jobs/${job?.id}/attempts/${job?.attempt}/build`
  const answer = await ask('POST', path)
  return { id: build.id, path, attempt: (answer.body as BeginBuildResponse).attempt }
}

const show = async (id: number) =>
  (await server.json<{ pipeline_run: Build }>('GET', `${runs}/${id}`)).pipeline_run
const zip = (objectKey: string) => ({
  type: 'zip',
  objectKey,
  fileName: 'a.zip',
  sizeBytes: 1,
  sha256: '0'.repeat(64),
})

describe('a build that is done by requests', () => {
  it('is begun, reported step by step and completed', async () => {
    const { id, path, attempt } = await begun()
    expect(attempt).toMatchObject({
      buildId: id,
      number: 1,
      steps: ['clone_repo', 'create_zip'],
      repository: { remote: { url } },
    })
    const commitSha = 'a'.repeat(40)
    const running = { step: 'clone_repo', status: 'running', progress: 50, commitSha }
    expect((await ask('POST', `${path}/step`, running)).status).toBe(204)
    expect(await show(id)).toMatchObject({ status: 'running' })
    for (const step of ['clone_repo', 'create_zip']) {
      const done = { step, status: 'completed', progress: 100 }
      const answer = await ask('POST', `${path}/step`, {
        ...done,
        status: 'running',
        progress: null,
      })
      expect(answer.status).toBe(204)
      expect((await ask('POST', `${path}/step`, done)).status).toBe(204)
    }
    const outputs = [zip(`builds/${id}/outputs/1/a.zip`)]
    const result = { status: 'completed', outputs }
    expect((await ask('POST', `${path}/result`, { result })).status).toBe(204)
    expect(await show(id)).toMatchObject({ status: 'completed' })
    const again = await ask('POST', `${path}/result`, { result })
    expect(codeOf(again)).toBe('resource_conflict')
  })

  it('has no outputs but its own', async () => {
    const { id, path } = await begun()
    for (const key of ['builds/1/outputs/1/other.zip', `builds/${id}/logs/build.log`, '../x']) {
      const result = { status: 'completed', outputs: [zip(key)] }
      expect(codeOf(await ask('POST', `${path}/result`, { result })), key).toBe('invalid_request')
    }
    const result = { status: 'failed', reason: 'step_failed', error: 'no' }
    expect((await ask('POST', `${path}/result`, { result })).status).toBe(204)
    expect(await show(id)).toMatchObject({ status: 'failed' })
  })

  it.each([
    ['step', { step: 'bake', status: 'running', progress: null }],
    ['step', { step: 'clone_repo', status: 'running', progress: 101 }],
    ['step', { step: 'clone_repo', status: 'running', progress: null, commitSha: 'main' }],
    ['result', {}],
    ['result', { result: { status: 'failed' } }],
    ['result', { result: { status: 'completed', outputs: [{ type: 'tar' }] } }],
  ])('refuses a %s that is none', async (what, body) => {
    const { path } = await begun()
    const answer = await ask('POST', `${path}/${what}`, body)
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request'])
    const result = { status: 'failed', reason: 'step_failed', error: 'no' }
    await ask('POST', `${path}/result`, { result })
  })

  it('is told no login before it pushes', async () => {
    const { path } = await begun()
    expect(codeOf(await ask('POST', `${path}/registry`))).toBe('resource_conflict')
    const result = { status: 'failed', reason: 'step_failed', error: 'no' }
    await ask('POST', `${path}/result`, { result })
  })
})
