// A worker whose token is the issuer's, by its client credentials: the issuer away, and its keys rotated.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startIssuer, type TestIssuer } from '../support/oidc-issuer.ts'
import { listedWorkers, type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import { finishedRun, startRun, tasksOf } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { coursesOf, createStepMarks, type StepMarks } from '../support/step-marks.ts'

vi.setConfig({ testTimeout: 180_000, expect: { poll: { timeout: 60_000, interval: 100 } } })

const name = 'acme/shop'
let root: string
let issuer: TestIssuer
let database: TestDatabase
let server: TestServer
let marks: StepMarks
let worker: RemoteWorker
let repository: TestRepository
let file: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-issuer-'))
  file = join(root, 'token')
  issuer = await startIssuer()
  database = await createTestDatabase()
  marks = await createStepMarks()
  server = await startTestServer({
    DATABASE_URL: database.url,
    OIDC_ISSUER: issuer.issuer,
    SLIPWAY_WORKER_TYPES: '',
  })
  repository = await createRepository(server.repositories, name)
  await writeFile(file, await issuer.ofWorker(), { mode: 0o600 })
  worker = await startRemoteWorker(server, {
    dataDir: await marks.dataDir(),
    env: {
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
      SLIPWAY_WORKER_TOKEN: '',
      SLIPWAY_WORKER_TOKEN_FILE: file,
    },
  })
}, 120_000)
afterAll(async () => {
  await worker?.close()
  await server?.close()
  await database?.close()
  await issuer?.close()
  await marks?.close()
  await rm(root, { recursive: true, force: true })
})

const courses = async () => coursesOf(await marks.read())
const waits = (go: string) => `until [ -e "$MARKS/${go}" ]; do sleep 0.05; done`

async function begin(step: string, body: string): Promise<string> {
  const steps = [{ name: step, action: 'run', run: marks.script(step, body) }]
  return startRun(server, name, await repository.commit(oneProject(steps)))
}

async function expectWhole(id: string, step: string): Promise<void> {
  const run = await finishedRun(server, id)
  expect([run.status, tasksOf(run)[0]?.attempt]).toEqual(['success', 1])
  expect(await courses()).toMatchObject({ [step]: 'begin end' })
}

describe('the issuer of a worker’s token', () => {
  it('is away: the worker goes on with its token, and takes new jobs', async () => {
    const held = await begin('held', waits('back'))
    await expect.poll(courses).toMatchObject({ held: 'begin' })
    await issuer.stop()
    await expectWhole(await begin('away', 'true'), 'away')
    await marks.tell('back')
    await expectWhole(held, 'held')
    await issuer.start()
  })

  it('has another key: tokens of the one before go on while it is published', async () => {
    await issuer.rotate({ keep: true })
    // The server learns of the new key by a token that names it.
    const token = await issuer.ofWorker()
    const status = async () => (await server.request('GET', '/v1/session', { token })).status
    await expect.poll(status).toBe(200)
    await expectWhole(await begin('rotated', 'true'), 'rotated')
  })

  it('withdraws the key: the worker goes on with the token that its file has by then, and loses no run', async () => {
    const held = await begin('withdrawn', waits('go'))
    await expect.poll(courses).toMatchObject({ withdrawn: 'begin' })
    await issuer.rotate({ keep: false })
    const fresh = await issuer.ofWorker()
    await writeFile(file, fresh, { mode: 0o600 })
    const status = async () => (await server.request('GET', '/v1/session', { token: fresh })).status
    await expect.poll(status).toBe(200)
    await marks.tell('go')
    await expectWhole(held, 'withdrawn')
    await expectWhole(await begin('after', 'true'), 'after')
    expect((await listedWorkers(server)).map(({ id }) => id)).toContain(worker.id())
  })
})
