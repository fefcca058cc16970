// How the logs of workers on other machines come to a server.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WorkerLogState } from '@slipway/contract/worker-files'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodeRecord } from '../../packages/server/src/logs/line-index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  createWorkerToken,
  type HeldTask,
  holdTask,
  type RegisteredWorker,
  registerTestWorker,
} from '../support/held-task.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let database: TestDatabase
let server: TestServer
let worker: RegisteredWorker
let task: HeldTask

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url, SLIPWAY_WORKER_TYPES: '' })
  worker = await registerTestWorker(server)
})
afterAll(async () => {
  worker.api.close()
  await server.close()
  await database.close()
})
beforeEach(async () => {
  task = await holdTask(database.db, worker.id)
})

interface Piece {
  offset?: number
  index?: Buffer
  indexOffset?: number
  text?: string
  writer?: string
  key?: string
}

async function put(piece: Piece, by: RegisteredWorker = worker): Promise<Response> {
  const {
    offset = 0,
    index = Buffer.alloc(0),
    indexOffset = 0,
    text = '',
    writer = 'writing',
  } = piece
  const query = new URLSearchParams({
    key: piece.key ?? task.key,
    offset: String(offset),
    index_offset: String(indexOffset),
    index_bytes: String(index.length),
    writer,
  })
  return by.request('PUT', `/logs?${query.toString()}`, Buffer.concat([index, Buffer.from(text)]))
}

/** The query of a piece at the beginning. */
const emptyPiece = (indexBytes: number) =>
  `key=${encodeURIComponent(task.key)}&offset=0&index_offset=0&index_bytes=${indexBytes}&writer=writing`

async function state(response: Response | Promise<Response>): Promise<WorkerLogState> {
  const answer = await response
  const text = await answer.text()
  expect(`${answer.status} ${text}`).toMatch(/^200 /)
  return JSON.parse(text) as WorkerLogState
}

async function seal(bytes: number, indexBytes = 0): Promise<WorkerLogState> {
  const query = new URLSearchParams({
    key: task.key,
    bytes: String(bytes),
    index_bytes: String(indexBytes),
  })
  return state(worker.request('POST', `/logs/seal?${query.toString()}`))
}

const logOf = async (query = '') =>
  (await server.request('GET', `/v1/steps/${task.stepId}/logs${query}`)).text()

describe('PUT /v1/workers/{id}/logs', () => {
  it('takes pieces one behind the other, and says what there is', async () => {
    expect(await state(put({ text: 'one\n' }))).toEqual({ bytes: 4, index_bytes: 0, sealed: false })
    expect(await state(put({ offset: 4, text: 'two\nthr' }))).toMatchObject({ bytes: 11 })
    expect(await logOf()).toBe('one\ntwo\n')
    expect(await state(put({ offset: 11, text: 'ee\n' }))).toMatchObject({ bytes: 14 })
    expect(await logOf()).toBe('one\ntwo\nthree\n')
  })

  it('takes the same piece twice, late, or in part, and has it once', async () => {
    await state(put({ text: 'one\n' }))
    await state(put({ offset: 4, text: 'two\n' }))
    expect(await state(put({ text: 'one\n' }))).toMatchObject({ bytes: 8 })
    expect(await state(put({ offset: 4, text: 'two\nthree\n' }))).toMatchObject({ bytes: 14 })
    expect(await state(put({ offset: 2, text: 'e\ntwo' }))).toMatchObject({ bytes: 14 })
    expect(await logOf()).toBe('one\ntwo\nthree\n')
  })

  it('says where to go on from when something is missing before a piece', async () => {
    expect(await state(put({ offset: 10, text: 'late\n' }))).toMatchObject({ bytes: 0 })
    await state(put({ text: 'one\n' }))
    expect(await state(put({ offset: 9, text: 'late\n' }))).toMatchObject({ bytes: 4 })
    expect(await state(put({ offset: 4, indexOffset: 18, text: 'x\n' }))).toEqual({
      bytes: 4,
      index_bytes: 0,
      sealed: false,
    })
    expect(await logOf()).toBe('one\n')
  })

  it('believes the holder of the job where an earlier one wrote something else', async () => {
    await state(put({ text: 'one\ntwo\nunfinish' }))
    expect(await state(put({ offset: 8, text: '--- attempt 2 ---\n' }))).toMatchObject({
      bytes: 26,
    })
    expect(await logOf()).toBe('one\ntwo\n--- attempt 2 ---\n')
  })

  it('keeps the times at which lines came to the worker', async () => {
    const at = Date.parse('2024-01-08T10:00:00.000Z')
    const index = Buffer.concat([
      encodeRecord({ seq: 1, offset: 0, at }),
      encodeRecord({ seq: 2, offset: 4, at: at + 5_000 }),
    ])
    expect(await state(put({ text: 'one\ntwo\n', index }))).toMatchObject({ index_bytes: 36 })
    expect(await logOf('?timestamps=true')).toBe(
      '2024-01-08T10:00:00.000Z one\n2024-01-08T10:00:05.000Z two\n',
    )
  })

  it('shows followers every line as it comes, and the end', async () => {
    const response = await server.request('GET', `/v1/steps/${task.stepId}/logs?follow=true`)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    await state(put({ text: 'one\n' }))
    expect((await reader.read()).value).toBe('one\n')
    await state(put({ offset: 4, text: 'two\n' }))
    expect((await reader.read()).value).toBe('two\n')
    await state(put({ offset: 8, writer: 'ended' }))
    expect((await reader.read()).done).toBe(true)
  })

  it('refuses what is no job’s of the worker', async () => {
    const stranger = await registerTestWorker(server)
    const other = await holdTask(database.db, stranger.id)
    for (const key of [
      other.key,
      `pipeline-runs/${task.runId}/logs/build/app/another.log`,
      `pipeline-runs/${task.runId}/../../../../etc/passwd`,
      '../../etc/passwd',
      'builds/1/logs/build.log',
      `delegations/${randomUUID()}/logs/job.log`,
    ]) {
      const response = await put({ key, text: 'mine\n' })
      expect(response.status).toBe(409)
      expect(await response.json()).toMatchObject({ error: { code: 'resource_conflict' } })
    }
    stranger.api.close()
  })

  it('refuses whoever is not the worker', async () => {
    const path = `/v1/workers/${worker.id}/logs?${emptyPiece(0)}`
    const asked = async (token: string | null) =>
      (await server.request('PUT', path, { token })).status
    expect(await asked(null)).toBe(401)
    expect(await asked(server.token)).toBe(403)
    expect(await asked(await createWorkerToken(server))).toBe(403)
    expect(await asked(worker.token)).toBe(200)
    const gone = path.replace(worker.id, randomUUID())
    expect((await server.request('PUT', gone, { token: worker.token })).status).toBe(404)
  })

  it('refuses a worker whose attempt was given to others, and takes the rest of one that has ended', async () => {
    await state(put({ text: 'one\n' }))
    const { jobId } = task
    const { db } = database
    const change = (set: object) =>
      db.updateTable('jobs').set(set).where('id', '=', jobId).execute()
    await change({ state: 'succeeded', finished_at: new Date() })
    expect(await state(put({ offset: 4, text: 'two\n' }))).toMatchObject({ bytes: 8 })
    await change({ state: 'queued', worker_id: null, finished_at: null, deadline_at: null })
    await expect.poll(async () => (await put({ offset: 8, text: 'late\n' })).status).toBe(409)
    await change({ state: 'running', worker_id: randomUUID() })
    expect((await put({ offset: 8, text: 'late\n' })).status).toBe(409)
  })

  it('refuses a piece that is too large or not what it says', async () => {
    const query = (index_bytes: number) => `/logs?${emptyPiece(index_bytes)}`
    const large = await worker.request('PUT', query(0), Buffer.alloc(2 * 1024 * 1024 + 1))
    expect(large.status).toBe(413)
    expect((await worker.request('PUT', query(19), Buffer.alloc(18))).status).toBe(400)
    expect((await put({ writer: 'gone' })).status).toBe(400)
    expect(await logOf()).toBe('')
  })
})

describe('POST /v1/workers/{id}/logs/seal', () => {
  it('hands the log to the object store when all of it is there', async () => {
    const index = encodeRecord({ seq: 1, offset: 0, at: Date.now() })
    await state(put({ text: 'one\ntwo\n', index, writer: 'ended' }))
    expect(await seal(12, 36)).toEqual({ bytes: 8, index_bytes: 18, sealed: false })
    await state(put({ offset: 8, indexOffset: 18, text: 'end\n', index, writer: 'ended' }))
    expect(await seal(12, 36)).toEqual({ bytes: 12, index_bytes: 36, sealed: true })
    const sealed = await readFile(join(server.dataDir, 'objects', task.key), 'utf8')
    expect(sealed).toBe('one\ntwo\nend\n')
    expect(await seal(12, 36)).toMatchObject({ sealed: true })
    expect(await logOf()).toBe('one\ntwo\nend\n')
  })

  it('cuts off a line that was never ended', async () => {
    await state(put({ text: 'one\nunfinish' }))
    expect(await seal(4)).toMatchObject({ bytes: 4, sealed: true })
    expect(await logOf()).toBe('one\n')
  })

  it('says that there is nothing where there is nothing', async () => {
    expect(await seal(4)).toEqual({ bytes: 0, index_bytes: 0, sealed: false })
  })
})

describe('GET /v1/workers/{id}/logs', () => {
  const get = () => worker.request('GET', `/logs?key=${encodeURIComponent(task.key)}`)

  it('gives whole lines to whoever goes on with the log, and the records that are true of them', async () => {
    const at = Date.now()
    const index = Buffer.concat([
      encodeRecord({ seq: 1, offset: 0, at }),
      encodeRecord({ seq: 3, offset: 20, at }),
    ])
    expect((await get()).status).toBe(204)
    await state(put({ text: 'one\ntwo\nunfinish', index }))
    const response = await get()
    expect(response.headers.get('x-slipway-bytes')).toBe('8')
    expect(response.headers.get('x-slipway-index-bytes')).toBe('18')
    const body = Buffer.from(await response.arrayBuffer())
    expect(body.subarray(0, 18)).toEqual(index.subarray(0, 18))
    expect(body.subarray(18).toString()).toBe('one\ntwo\n')
    await seal(8, 18)
    const sealed = Buffer.from(await (await get()).arrayBuffer())
    expect(sealed).toEqual(body)
  })
})

describe('what servers ask each other', () => {
  it('is refused to everybody else, whatever they offer', async () => {
    const paths = [
      ['GET', `/v1/servers/logs/stat?key=${task.key}`],
      ['GET', `/v1/servers/logs/lines?key=${task.key}&follow=false`],
      ['PUT', `/v1/servers/logs?key=${task.key}`],
      ['POST', `/v1/servers/logs/park?key=${task.key}`],
      ['DELETE', `/v1/servers/logs?prefix=pipeline-runs/${task.runId}/`],
    ] as const
    await state(put({ text: 'one\n' }))
    const now = Date.now()
    const offers = [
      `Bearer ${server.token}`,
      `Bearer ${worker.token}`,
      `Slipway-Server ${now} ${'A'.repeat(43)}`,
      `Slipway-Server ${now}`,
      '',
    ]
    for (const [method, path] of paths) {
      for (const authorization of offers) {
        const response = await fetch(new URL(path, server.url), {
          method,
          headers: { authorization },
        })
        expect(response.status).toBe(401)
      }
    }
    expect(await logOf()).toBe('one\n')
  })
})
