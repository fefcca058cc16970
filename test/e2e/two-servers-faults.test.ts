// Two servers on one database, of which one dies, leaves or cannot be reached.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { sql } from 'kysely'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { holdTask, registerTestWorker } from '../support/held-task.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { finishedRun, getRun, startRun, stepNamed, stepsOf, waitForRun } from '../support/runs.ts'
import { createServerGroup, type ServerGroup } from '../support/server-group.ts'
import type { TestServer } from '../support/server.ts'

let s3: TestS3
let group: ServerGroup
let first: TestServer
let second: TestServer
let repository: TestRepository
let groups = 0
/** Of tests that start and stop servers. */
const timeout = 120_000
const name = 'acme/shop'

beforeAll(async () => {
  s3 = await startRadosgw()
}, 120_000)
afterAll(() => s3.close())
beforeEach(async () => {
  group = await createServerGroup(s3, `faults-${++groups}`)
  first = await group.start()
  repository = await createRepository(group.repositories, name)
}, 60_000)
afterEach(() => group.close(), 60_000)

const textOf = async (server: TestServer, stepId: string, query = '') =>
  (await server.request('GET', `/v1/steps/${stepId}/logs${query}`)).text()

/** Tells the first attempt that asks to go on and on, and every other to end. */
async function openDesk(): Promise<number> {
  let asked = 0
  const desk = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(asked++ === 0 ? 'on\n' : 'end\n')
  })
  desk.listen(0, '127.0.0.1')
  await once(desk, 'listening')
  onTestFinished(() => void desk.close())
  return (desk.address() as AddressInfo).port
}

/** A step that a first attempt never ends, and a second one at once, wherever they run. */
async function startTwice(server: TestServer) {
  const run = [
    'echo "attempt begins"',
    `exec 3<> /dev/tcp/127.0.0.1/${await openDesk()}; read told <&3`,
    'if [ "$told" = end ]; then echo "finished"; exit 0; fi',
    'for i in $(seq 1 100000); do echo "line $i"; sleep 0.02; done',
  ].join('\n')
  const commit = await repository.commit(oneProject([{ name: 'work', action: 'run', run }]))
  const id = await startRun(server, name, commit)
  const started = await waitForRun(server, id, (now) => stepsOf(now)[0]?.status === 'running')
  return { id, stepId: stepNamed(started, 'work').id }
}

/** As if the dead had been silent for as long as it takes. */
async function letTimePass(): Promise<void> {
  const { db } = group.database
  await sql`update workers set last_seen_at = now() - interval '91 seconds' where id in (select worker_id from jobs where state = 'running')`.execute(
    db,
  )
}

describe('kill -9 of the server whose steps run', () => {
  it(
    'leaves what is on its disk unavailable, by its name; the other takes the step over, and nothing of that is lost when it is back',
    { timeout },
    async () => {
      const { id, stepId } = await startTwice(first)
      await expect.poll(() => textOf(first, stepId)).toContain('line 10\n')
      second = await group.start()
      expect(await textOf(second, stepId)).toContain('line 10\n')
      await first.kill()
      const away = await second.request('GET', `/v1/steps/${stepId}/logs`)
      expect(away.status).toBe(503)
      const { error } = (await away.json()) as {
        error: { code: string; message: string; details: { server: string } }
      }
      expect(error.code).toBe('unavailable')
      expect(error.message).toContain(`on the server ${error.details.server}`)

      await letTimePass()
      const run = await finishedRun(second, id)
      expect([run.status, run.phases[0]?.tasks[0]?.attempt]).toEqual(['success', 2])
      const done = stepNamed(run, 'work').id
      const log = await textOf(second, done)
      expect(log).toMatch(
        /^--- what was written before this is on the server \S+, which cannot be asked ---\n--- attempt 2 ---\nattempt begins\nfinished\n$/,
      )

      await first.restart()
      for (const server of [first, second]) {
        await expect.poll(() => textOf(server, done)).toBe(log)
      }
      // What the first attempt had said is kept beside it.
      const aside = (await group.bucket.keys()).find((key) => /\/lost-[^/]+\.log$/.test(key))
      expect(await group.bucket.read(aside!)).toContain('line 10\n')
    },
  )

  it(
    'loses no line where it starts again: whoever goes on with the log has all of it',
    { timeout },
    async () => {
      const { id, stepId } = await startTwice(first)
      await expect.poll(() => textOf(first, stepId)).toContain('line 10\n')
      second = await group.start()
      const seen = await textOf(second, stepId)
      await first.kill()
      await first.restart({ SLIPWAY_WORKER_TYPES: '' })
      const run = await finishedRun(second, id)
      expect(run.status).toBe('success')
      const done = stepNamed(run, 'work').id
      for (const server of [first, second]) {
        const log = await textOf(server, done)
        expect(log.startsWith(seen)).toBe(true)
        expect(log).toMatch(/line \d+\n--- attempt 2 ---\nattempt begins\nfinished\n$/)
      }
    },
  )
})

describe('a server that leaves', () => {
  it(
    'hands its logs over, and a follower at the other sees every line once',
    { timeout },
    async () => {
      const { id, stepId } = await startTwice(first)
      second = await group.start()
      const response = await second.request('GET', `/v1/steps/${stepId}/logs?follow=true`)
      let seen = ''
      const reading = (async () => {
        for await (const chunk of response.body!) seen += Buffer.from(chunk).toString()
      })()
      await expect.poll(() => seen).toContain('line 10\n')
      await first.stop()
      expect((await finishedRun(second, id)).status).toBe('success')
      await reading
      expect(seen).toMatch(
        /line \d+\nStopped on request\.\n--- attempt 2 ---\nattempt begins\nfinished\n$/,
      )
      const [before = ''] = seen.split('--- attempt 2 ---\n')
      const lines = before.split('\n').slice(1, -2)
      expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`))
    },
  )

  it(
    'is missed by nobody: both start anew one after the other under load, and no run is lost',
    { timeout: 240_000 },
    async () => {
      second = await group.start()
      const commit = await repository.commit(
        oneProject([
          { name: 'a', action: 'run', run: 'for i in $(seq 1 5); do echo "a $i"; sleep 0.1; done' },
          { name: 'b', action: 'run', run: 'echo "b"', needs: ['a'] },
        ]),
      )
      const ids: string[] = []
      let branch = 0
      const submit = async (server: TestServer) => {
        ids.push(await startRun(server, name, commit, { branch: `b${++branch}` }))
      }
      for (let n = 0; n < 4; n++) await submit(first)
      for (const [server, other] of [
        [first, second],
        [second, first],
      ] as const) {
        const stopping = server.stop()
        for (let n = 0; n < 3; n++) await submit(other)
        expect(await stopping).toBe(0)
        for (let n = 0; n < 3; n++) await submit(other)
        await server.restart()
        await submit(server)
      }
      expect(ids).toHaveLength(18)
      for (const id of ids) {
        const run = await finishedRun(second, id, 120_000)
        expect(run.status).toBe('success')
        const [a, b] = await Promise.all(
          ['a', 'b'].map((each) => textOf(first, stepNamed(run, each).id)),
        )
        expect(a).toMatch(/(^|attempt \d ---\n)a 1\na 2\na 3\na 4\na 5\n$/)
        expect(b).toMatch(/(^|attempt \d ---\n)b\n$/)
      }
    },
  )
})

describe('the log of a worker on another machine', () => {
  it(
    'comes to the server that has it through any other, and to that one where the first has died',
    { timeout },
    async () => {
      second = await group.start({ SLIPWAY_WORKER_TYPES: '' })
      const worker = await registerTestWorker(first)
      const task = await holdTask(group.database.db, worker.id)
      const put = async (server: TestServer, offset: number, text: string) => {
        const query = `key=${encodeURIComponent(task.key)}&offset=${offset}&index_offset=0&index_bytes=0&writer=writing`
        const response = await fetch(`${server.url}/v1/workers/${worker.id}/logs?${query}`, {
          method: 'PUT',
          headers: {
            authorization: `Bearer ${worker.token}`,
            'content-type': 'application/octet-stream',
          },
          body: text,
        })
        expect(response.status).toBe(200)
        return ((await response.json()) as { bytes: number }).bytes
      }
      expect(await put(first, 0, 'one\n')).toBe(4)
      expect(await put(second, 4, 'two\n')).toBe(8)
      expect(await put(first, 8, 'three\n')).toBe(14)
      for (const server of [first, second]) {
        expect(await textOf(server, task.stepId)).toBe('one\ntwo\nthree\n')
      }
      await first.kill()
      expect(await put(second, 14, 'four\n')).toBe(0)
      expect(await put(second, 0, 'one\ntwo\nthree\nfour\n')).toBe(19)
      expect(await textOf(second, task.stepId)).toBe('one\ntwo\nthree\nfour\n')
      const seal = `key=${encodeURIComponent(task.key)}&bytes=19&index_bytes=0`
      const sealed = await fetch(`${second.url}/v1/workers/${worker.id}/logs/seal?${seal}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${worker.token}` },
      })
      expect(await sealed.json()).toMatchObject({ bytes: 19, sealed: true })
      await first.restart()
      expect(await textOf(first, task.stepId)).toBe('one\ntwo\nthree\nfour\n')
      expect((await getRun(first, task.runId)).status).toBe('running')
      worker.api.close()
    },
  )
})
