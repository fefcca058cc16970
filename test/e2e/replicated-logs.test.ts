// A worker on another machine writes its logs there, and a server has every line as it is written.
import { randomUUID } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { WorkerApi } from '../../packages/server/src/ports/worker-api.ts'
import {
  createReplicatedLogStore,
  type ReplicatedLogStore,
} from '../../packages/server/src/remote/create-replicated-log-store.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  type HeldTask,
  holdTask,
  type RegisteredWorker,
  registerTestWorker,
} from '../support/held-task.ts'
import { quietLog } from '../support/quiet-log.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let database: TestDatabase
let server: TestServer
let worker: RegisteredWorker
let task: HeldTask
let root: string
let stores: ReplicatedLogStore[]

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url, SLIPWAY_WORKER_TYPES: '' })
})
afterAll(async () => {
  await server.close()
  await database.close()
})
beforeEach(async () => {
  stores = []
  root = await mkdtemp(join(tmpdir(), 'slipway-worker-logs-'))
  worker = await registerTestWorker(server)
  task = await holdTask(database.db, worker.id)
})
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  worker.api.close()
  await rm(root, { recursive: true, force: true })
})

function makeStore(
  options: { workerId?: string; api?: WorkerApi; root?: string } = {},
): ReplicatedLogStore {
  const store = createReplicatedLogStore({
    root,
    workerId: worker.id,
    api: worker.api,
    log: quietLog,
    ...options,
  })
  stores.push(store)
  return store
}

const logOf = async (query = '') =>
  (await server.request('GET', `/v1/steps/${task.stepId}/logs${query}`)).text()
const filesHere = async () => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => `line ${from + n}\n`).join('')
/** A server that cannot be reached. */
const unreachable: WorkerApi = { request: () => Promise.reject(new Error('no route to host')) }

describe('a log of a worker on another machine', () => {
  it('is at the server line by line, with the worker’s own masks and times', async () => {
    const writer = await makeStore().open(task.key, {
      secrets: ['correct horse'],
      marker: 'begins',
      isNew: true,
    })
    const response = await server.request('GET', `/v1/steps/${task.stepId}/logs?follow=true`)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const next = async () => (await reader.read()).value
    expect(await next()).toBe('begins\n')
    await writer.write(Buffer.from('pass: correct ho'))
    await writer.write(Buffer.from('rse\n'))
    expect(await next()).toBe('pass: ***\n')
    await writer.note('a note')
    expect(await next()).toBe('a note\n')
    await writer.write(Buffer.from('the last, without an end'))
    await writer.end()
    expect(await next()).toBe('the last, without an end\n')
    expect((await reader.read()).done).toBe(true)
  })

  it('is whole at the server when its writer has ended, and gone here when it is sealed', async () => {
    const writer = await makeStore().open(task.key, { secrets: [] })
    for (let n = 1; n <= 2_000; n++) await writer.write(Buffer.from(`line ${n}\n`))
    await writer.end()
    expect(await logOf()).toBe(numbered(1, 2_000))
    expect(await filesHere()).toHaveLength(2)
    await writer.seal()
    expect(await filesHere()).toEqual([])
    expect(await readFile(join(server.dataDir, 'objects', task.key), 'utf8')).toBe(
      numbered(1, 2_000),
    )
    expect(await logOf('?tail=1')).toBe('line 2000\n')
  })

  it('comes in pieces where it is large', async () => {
    const writer = await makeStore().open(task.key, { secrets: [] })
    const line = `${'x'.repeat(99)}\n`
    for (let n = 0; n < 100; n++) await writer.write(Buffer.from(line.repeat(1_000)))
    await writer.seal()
    const text = await logOf()
    expect(text.length).toBe(10_000_000)
    expect(text.replaceAll(line, '')).toBe('')
  })

  it('goes on at another worker where the first one stopped', async () => {
    const first = await makeStore().open(task.key, { secrets: [], isNew: true })
    await first.write(Buffer.from('one\ntwo\n'))
    await first.suspend()
    expect(await filesHere()).toEqual([])
    const next = await registerTestWorker(server)
    await giveTo(next.id)
    const elsewhere = await mkdtemp(join(tmpdir(), 'slipway-worker-logs-'))
    const store = makeStore({ workerId: next.id, api: next.api, root: elsewhere })
    const second = await store.open(task.key, { secrets: [], marker: '--- attempt 2 ---' })
    await second.write(Buffer.from('three\n'))
    await second.seal()
    expect(await logOf()).toBe('one\ntwo\n--- attempt 2 ---\nthree\n')
    expect(await logOf('?after=3')).toBe('three\n')
    next.api.close()
    await rm(elsewhere, { recursive: true })
  })

  it('goes on when it has been sealed', async () => {
    const store = makeStore()
    const first = await store.open(task.key, { secrets: [], isNew: true })
    await first.write(Buffer.from('one\n'))
    await first.seal()
    const second = await store.open(task.key, { secrets: [], marker: '--- attempt 2 ---' })
    await second.seal()
    expect(await logOf()).toBe('one\n--- attempt 2 ---\n')
  })
})

/** The job as it is when its attempt was lost and another worker has taken it. */
async function giveTo(workerId: string): Promise<void> {
  await database.db
    .updateTable('jobs')
    .set({ worker_id: workerId, attempt: 2 })
    .where('id', '=', task.jobId)
    .execute()
}

describe('when the server is away', () => {
  it('the worker writes on, and the server has all of it when it is back', async () => {
    const writer = await makeStore().open(task.key, { secrets: [], isNew: true })
    await writer.write(Buffer.from(numbered(1, 100)))
    await expect.poll(() => logOf()).toBe(numbered(1, 100))
    await server.kill()
    await writer.write(Buffer.from(numbered(101, 200)))
    const ended = writer.end()
    await server.restart({ PORT: new URL(server.url).port })
    await ended
    expect(await logOf()).toBe(numbered(1, 200))
    await writer.seal()
    expect(await logOf()).toBe(numbered(1, 200))
    expect(await filesHere()).toEqual([])
  })

  it('the beginning of a log waits for it, and nothing is lost of an earlier attempt', async () => {
    const first = await makeStore().open(task.key, { secrets: [], isNew: true })
    await first.write(Buffer.from('one\n'))
    await first.suspend()
    await server.kill()
    const opening = makeStore().open(task.key, { secrets: [] })
    await server.restart({ PORT: new URL(server.url).port })
    const second = await opening
    await second.write(Buffer.from('two\n'))
    await second.seal()
    expect(await logOf()).toBe('one\ntwo\n')
  })
})

describe('when the worker dies', () => {
  it('its successor brings what the server does not have, and nothing stays', async () => {
    const { api } = worker
    let isCut = false
    const cut: WorkerApi = {
      request: (...asked) => (isCut ? unreachable : api).request(...asked),
    }
    const writer = await makeStore({ api: cut }).open(task.key, { secrets: [], isNew: true })
    await writer.write(Buffer.from(numbered(1, 10)))
    await expect.poll(() => logOf()).toBe(numbered(1, 10))
    isCut = true
    await writer.write(Buffer.from(numbered(11, 20)))
    await writer.note('in the file')
    // What a kill leaves of a line that was being written.
    await appendFile(join(root, worker.id, task.key), 'half a li')
    const abandoned = stores.pop()!

    const successor = makeStore({ workerId: randomUUID() })
    await successor.shipAbandoned(AbortSignal.timeout(10_000))
    expect(await logOf()).toBe(`${numbered(1, 20)}in the file\n`)
    expect(await readdir(root)).toEqual([])
    await abandoned.close()
  })

  it('what comes when others have the job is refused, and goes', async () => {
    const writer = await makeStore({ api: unreachable }).open(task.key, {
      secrets: [],
      isNew: true,
    })
    await writer.note('never sent')
    const abandoned = stores.pop()!
    await giveTo(randomUUID())
    await makeStore({ workerId: randomUUID() }).shipAbandoned(AbortSignal.timeout(10_000))
    expect(await logOf()).toBe('')
    expect(await readdir(root)).toEqual([])
    await abandoned.close()
  })

  it('what cannot be brought in time stays for the next', async () => {
    const writer = await makeStore({ api: unreachable }).open(task.key, {
      secrets: [],
      isNew: true,
    })
    await writer.note('kept')
    const abandoned = stores.pop()!
    const successor = makeStore({ workerId: randomUUID(), api: unreachable })
    await successor.shipAbandoned(AbortSignal.timeout(200))
    expect(await filesHere()).toHaveLength(2)
    await makeStore({ workerId: randomUUID() }).shipAbandoned(AbortSignal.timeout(10_000))
    expect(await logOf()).toBe('kept\n')
    await abandoned.close()
  })
})

it('stops when the log is no longer its own, without holding up the worker', async () => {
  const writer = await makeStore().open(task.key, { secrets: [], isNew: true })
  await writer.write(Buffer.from('one\n'))
  await expect.poll(() => logOf()).toBe('one\n')
  await giveTo(randomUUID())
  await expect
    .poll(async () => {
      await writer.write(Buffer.from('late\n'))
      const asked = await worker.request('GET', `/logs?key=${encodeURIComponent(task.key)}`)
      await asked.body?.cancel()
      return asked.status
    })
    .toBe(409)
  await writer.write(Buffer.from('too late\n'))
  await writer.seal()
  expect(await logOf()).not.toContain('too late')
  expect(await filesHere()).toEqual([])
})
