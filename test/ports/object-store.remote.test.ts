// Workers on other machines keep objects through a server: the same suite, against a real one.
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRemoteObjectStore } from '../../packages/server/src/adapters/object-store/remote/create-remote-object-store.ts'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  createWorkerToken,
  type HeldTask,
  holdTask,
  type RegisteredWorker,
  registerTestWorker,
} from '../support/held-task.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { objectStoreSuite } from './object-store.suite.ts'

let database: TestDatabase
let server: TestServer

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url, SLIPWAY_WORKER_TYPES: '' })
})
afterAll(async () => {
  await server.close()
  await database.close()
})

/** What is below the task's folder, and what was begun there or anywhere. */
async function filesOf(prefix: string): Promise<string[]> {
  const root = join(server.dataDir, 'objects')
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((name) => name.startsWith(prefix) || name.startsWith('~incoming'))
    .map((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name))
    .toSorted()
}

/** The store as it is below a prefix. */
function below(store: ObjectStore, prefix: string): ObjectStore {
  return {
    ...store,
    put: (key, body, options) => store.put(prefix + key, body, options),
    putFile: (key, path, options) => store.putFile(prefix + key, path, options),
    get: (key, range) => store.get(prefix + key, range),
    head: (key) => store.head(prefix + key),
    delete: (key) => store.delete(prefix + key),
    // Nothing is no prefix, though it would be one behind ours.
    deletePrefix: (key) => store.deletePrefix(key === '' ? key : prefix + key),
  }
}

objectStoreSuite('through a server', async () => {
  const worker = await registerTestWorker(server)
  const { runId } = await holdTask(database.db, worker.id)
  const prefix = `pipeline-runs/${runId}/artifacts/app/`
  const store = createRemoteObjectStore({ api: worker.api, workerId: worker.id })
  return {
    store: below(store, prefix),
    async leftovers() {
      // The server hears of an upload that was given up when its connection closes.
      await expect
        .poll(async () => (await filesOf(prefix)).filter((name) => name.startsWith('~')))
        .toEqual([])
      return filesOf(prefix)
    },
    dispose: async () => worker.api.close(),
  }
})

describe('objects of workers', () => {
  let worker: RegisteredWorker
  let task: HeldTask
  let store: ObjectStore
  const keyOf = (name: string) => `pipeline-runs/${task.runId}/artifacts/app/${name}`

  beforeAll(async () => {
    worker = await registerTestWorker(server)
    task = await holdTask(database.db, worker.id)
    store = createRemoteObjectStore({ api: worker.api, workerId: worker.id })
  })
  afterAll(() => worker.api.close())

  it('are those of jobs in the worker’s hands alone', async () => {
    const other = await holdTask(database.db, (await registerTestWorker(server)).id)
    const forbidden = [
      `pipeline-runs/${other.runId}/artifacts/app/a.tar`,
      `pipeline-runs/${task.runId}/artifacts/another/a.tar`,
      task.key,
      'builds/1/outputs/1/a.zip',
      'branding/0198f000-0000-7000-8000-000000000000',
    ]
    for (const key of forbidden) {
      const refused = /refused .*: 403 .*authorization_failed/
      await expect(store.put(key, Buffer.from('x'))).rejects.toThrow(refused)
      await expect(store.get(key)).rejects.toThrow(refused)
      await expect(store.head(key)).rejects.toThrow('403')
      await expect(store.delete(key)).rejects.toThrow(refused)
    }
    await expect(store.deletePrefix(`pipeline-runs/${task.runId}/`)).rejects.toThrow('403')
    await store.put(`pipeline-runs/${task.runId}/results/task/${task.jobId}.json`, Buffer.from('1'))
  })

  it('have keys that lead nowhere else, whoever asks and however it is written', async () => {
    const other = await holdTask(database.db, (await registerTestWorker(server)).id)
    const path = `${keyOf('')}%2e%2e/%2e%2e/%2e%2e/${other.runId}/artifacts/app/a.tar`
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const body = method === 'PUT' ? Buffer.alloc(40) : undefined
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const target = new URL(server.url)
        request(
          {
            host: target.hostname,
            port: target.port,
            // As it is: a URL would be without its dots.
            path: `/v1/workers/${worker.id}/objects/${path}`,
            method,
            headers: {
              authorization: `Bearer ${worker.token}`,
              ...(body && { 'content-type': 'application/octet-stream' }),
            },
          },
          (answer) => {
            answer.resume()
            resolve(answer.statusCode)
          },
        )
          .once('error', reject)
          .end(body)
      })
      expect(status, method).toBe(400)
    }
  })

  it('are nobody else’s: not another token’s, and not the job’s when it has ended', async () => {
    await store.put(keyOf('kept'), Buffer.from('x'))
    const path = `/v1/workers/${worker.id}/objects/${keyOf('kept')}`
    const asked = async (token: string | null) =>
      (await server.request('GET', path, { token })).status
    expect(await asked(worker.token)).toBe(200)
    expect(await asked(await createWorkerToken(server))).toBe(403)
    expect(await asked(server.token)).toBe(403)
    expect(await asked(null)).toBe(401)
    const done = await holdTask(database.db, worker.id)
    const key = `pipeline-runs/${done.runId}/artifacts/app/late`
    await store.put(key, Buffer.from('x'))
    await database.db
      .updateTable('jobs')
      .set({ state: 'succeeded', finished_at: new Date() })
      .where('id', '=', done.jobId)
      .execute()
    await expect(store.put(key, Buffer.from('y'))).rejects.toThrow('403')
  })

  it('are not stored where the body was changed or cut off', async () => {
    const bytes = randomBytes(100_000)
    const digest = createHash('sha256').update(bytes).digest()
    const path = `/objects/${keyOf('checked')}`
    const changed = Buffer.concat([bytes, digest])
    changed[50_000]! ^= 1
    for (const body of [bytes, changed, Buffer.concat([bytes, digest]).subarray(0, -1)]) {
      const response = await worker.request('PUT', path, body)
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('digest')
    }
    expect(await store.head(keyOf('checked'))).toBeNull()
    expect((await worker.request('PUT', path, Buffer.concat([bytes, digest]))).status).toBe(204)
    expect(await buffer((await store.get(keyOf('checked')))!)).toEqual(bytes)
  })

  it('are not stored where the worker dies in the middle', async () => {
    const url = new URL(`/v1/workers/${worker.id}/objects/${keyOf('half')}`, server.url)
    const sending = request(url, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${worker.token}`,
        'content-type': 'application/octet-stream',
      },
    })
    sending.on('error', () => {})
    sending.write(Buffer.alloc(300_000, 'h'))
    await expect
      .poll(() => filesOf('pipeline-runs/none/'))
      .toEqual([expect.stringContaining('~incoming')])
    sending.destroy()
    await expect.poll(() => filesOf('pipeline-runs/none/')).toEqual([])
    expect(await store.head(keyOf('half'))).toBeNull()
  })

  it('pass through as streams: more than the server has memory for', async () => {
    const piece = randomBytes(1024 * 1024)
    const pieces = 192
    const memory = async () => {
      const status = await readFile(`/proc/${server.pid()}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
    }
    const before = await memory()
    await store.put(
      keyOf('large'),
      Readable.from(
        (function* () {
          for (let n = 0; n < pieces; n++) yield piece
        })(),
      ),
    )
    expect((await store.head(keyOf('large')))?.size).toBe(pieces * piece.length)
    let seen = 0
    for await (const chunk of (await store.get(keyOf('large')))!) seen += (chunk as Buffer).length
    expect(seen).toBe(pieces * piece.length)
    expect((await memory()) - before).toBeLessThan(150)
    await store.delete(keyOf('large'))
  })
})
