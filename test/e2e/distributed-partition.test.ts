// A worker in a network namespace of its own loses its server, wholly or in one direction: it stops by itself before
// anybody else begins. The lease is 27 seconds here and giving up 12 (test/support/shorter-lease.mjs).
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { createNetworkNamespace, type NetworkNamespace } from '../support/network-namespace.ts'
import {
  listedWorkers,
  type RemoteWorker,
  type RemoteWorkerOptions,
  startRemoteWorker,
} from '../support/remote-worker.ts'
import { finishedRun, getRun, logOf, startRun, stepNamed, tasksOf } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { coursesOf, createStepMarks, type StepMarks } from '../support/step-marks.ts'

const longMs = 60_000
vi.setConfig({ testTimeout: 240_000, expect: { poll: { timeout: longMs, interval: 100 } } })

const name = 'acme/shop'
const shorterLease = {
  NODE_OPTIONS: `--import=${new URL('../support/shorter-lease.mjs', import.meta.url).href}`,
}
let away: NetworkNamespace
let database: TestDatabase
let server: TestServer
let repository: TestRepository
let marks: StepMarks
let workers: RemoteWorker[] = []
beforeAll(async () => {
  away = await createNetworkNamespace()
  database = await createTestDatabase()
  server = await startTestServer({
    ...shorterLease,
    DATABASE_URL: database.url,
    HOST: away.address,
    SLIPWAY_WORKER_TYPES: '',
  })
  repository = await createRepository(server.repositories, name)
})
afterAll(async () => {
  await server?.close()
  await database?.close()
  await away?.close()
})
beforeEach(async () => {
  marks = await createStepMarks()
})
afterEach(async () => {
  await away.mend()
  await Promise.all(workers.map((worker) => worker.close()))
  workers = []
  await marks.close()
})

async function start(options: RemoteWorkerOptions = {}): Promise<RemoteWorker> {
  const worker = await startRemoteWorker(server, {
    dataDir: await marks.dataDir(),
    ...options,
    env: {
      ...shorterLease,
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
    },
  })
  workers.push(worker)
  return worker
}

/** A run with one step that says `begun`, and ends when it is told. */
async function begin(step: string): Promise<string> {
  const body = 'echo begun; until [ -e "$MARKS/go" ]; do sleep 0.05; done; echo over'
  const steps = [{ name: step, action: 'run', run: marks.script(step, body) }]
  return startRun(server, name, await repository.commit(oneProject(steps)))
}

const courses = async () => coursesOf(await marks.read())
const attemptOf = async (id: string) => tasksOf(await getRun(server, id))[0]?.attempt

/** What has come of the run, once it is over: two attempts, of which one came to its end. */
async function expectTwoAttempts(id: string, step: string): Promise<void> {
  const run = await finishedRun(server, id)
  expect(run.status, JSON.stringify(run)).toBe('success')
  expect(tasksOf(run)[0]?.attempt).toBe(2)
  expect(await courses()).toEqual({ [step]: 'begin begin end' })
  const log = await logOf(server, stepNamed(run, step))
  expect(log).toMatch(/^begun\n[^]*--- attempt 2 ---\nbegun\nover\n$/)
}

describe('a worker behind a cable that is cut', () => {
  it('stops what it does before its job is given to another, and works again when it is mended', async () => {
    const lonely = await start({ command: away.command })
    const id = await begin('held')
    await expect.poll(courses).toEqual({ held: 'begin' })
    const seen = async () => (await server.request('GET', `/v1/runs/${id}`)).status
    expect(await seen()).toBe(200)
    await away.cut('both')
    const other = await start()
    await expect
      .poll(() => lonely.output.join('\n'))
      .toContain('no heartbeat was answered: giving up the jobs in hand')
    // The ledger still waits for it then.
    expect(await attemptOf(id)).toBe(1)
    await expect.poll(courses).toEqual({ held: 'begin begin' })
    await away.mend()
    await expect
      .poll(async () => (await listedWorkers(server)).map((worker) => worker.id))
      .toEqual(expect.arrayContaining([lonely.id(), other.id()]))
    await marks.tell('go')
    await expectTwoAttempts(id, 'held')

    other.signal('SIGTERM')
    expect(await other.ended()).toBe(0)
    const next = await finishedRun(server, await begin('again'))
    expect(next.status).toBe('success')
    expect(await courses()).toMatchObject({ again: 'begin end' })
  })
})

describe('a worker that hears no answers, and is heard', () => {
  it('gives up what it has in hand; it is begun anew as soon as it hears again', async () => {
    const deaf = await start({ command: away.command })
    const id = await begin('heard')
    await expect.poll(courses).toEqual({ heard: 'begin' })
    await away.cut('back')
    await expect
      .poll(() => deaf.output.join('\n'))
      .toContain('no heartbeat was answered: giving up the jobs in hand')
    expect(await attemptOf(id)).toBe(1)
    await away.mend()
    await expect.poll(courses).toEqual({ heard: 'begin begin' })
    await marks.tell('go')
    await expectTwoAttempts(id, 'heard')
  })
})
