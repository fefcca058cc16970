// Two servers that do no jobs, NATS, and workers behind a balancer: NATS away, and both servers started anew.
import type { Health } from '@slipway/contract/health'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import { type Partition, startPartition } from '../support/partition.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import { finishedRun, getRun, logOf, startRun, stepNamed, tasksOf } from '../support/runs.ts'
import { createServerGroup, type ServerGroup } from '../support/server-group.ts'
import type { TestServer } from '../support/server.ts'
import { coursesOf, createStepMarks, type StepMarks } from '../support/step-marks.ts'

const longMs = 90_000
vi.setConfig({ testTimeout: 240_000, expect: { poll: { timeout: longMs, interval: 100 } } })

const name = 'acme/shop'
let nats: TestNats
let s3: TestS3
let group: ServerGroup
let servers: TestServer[] = []
let balancer: Partition
let marks: StepMarks
let workers: RemoteWorker[] = []
let repository: TestRepository
/** Whom the balancer knows to be there. */
let present: TestServer[] = []
beforeAll(async () => {
  nats = await startNats()
  s3 = await startRadosgw()
  marks = await createStepMarks()
  group = await createServerGroup(s3, 'rolling')
  repository = await createRepository(group.repositories, name)
  const env = { NATS_URL: nats.host, SLIPWAY_WORKER_TYPES: '' }
  servers = [await group.start(env), await group.start(env)]
  present = [...servers]
  let turn = 0
  balancer = await startPartition(() => present[(turn += 1) % present.length]?.url ?? '')
  const start = async () =>
    startRemoteWorker(serverAt(0), {
      url: balancer.url,
      dataDir: await marks.dataDir(),
      env: {
        NATS_URL: nats.host,
        DOCKER_HOST: 'unix:///nowhere/docker.sock',
        SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
      },
    })
  workers = [await start(), await start()]
}, 240_000)
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  await balancer?.close()
  await group?.close()
  await marks?.close()
  await nats?.close()
  await s3?.close()
})

function serverAt(at: number): TestServer {
  const server = servers[at]
  if (server === undefined) throw new Error(`there is no server ${at}`)
  return server
}

let branches = 0
const expected: Record<string, string> = {}

/** A run of two steps, of which the second waits for the first. */
async function submit(server: TestServer, step: string, body: string): Promise<string> {
  const scripts = [marks.script(step, body), marks.script(`${step}-after`, 'echo after')]
  const steps = [
    { name: step, action: 'run', run: scripts[0] },
    { name: `${step}-after`, action: 'run', run: scripts[1], needs: [step] },
  ]
  const commit = await repository.commit(oneProject(steps))
  const id = await startRun(server, name, commit, { branch: `b${(branches += 1)}` })
  Object.assign(expected, { [step]: 'begin end', [`${step}-after`]: 'begin end' })
  return id
}

const courses = async () => coursesOf(await marks.read())

/** It ended as it should, by one attempt, and what it said is to be read at both servers. */
async function expectWhole(id: string, step: string, said: string): Promise<void> {
  const run = await finishedRun(serverAt(0), id, longMs)
  expect(run.status, JSON.stringify(run)).toBe('success')
  expect(tasksOf(run).map(({ attempt }) => attempt)).toEqual([1])
  for (const server of servers) {
    const { phases } = await getRun(server, id)
    expect(phases).toMatchObject(run.phases.map(({ status }) => ({ status })))
  }
  expect(await logOf(serverAt(0), stepNamed(run, step))).toBe(said)
}

describe('NATS away', () => {
  it('runs are accepted and wait, those in hand end, and everything goes on by itself', async () => {
    const held = 'echo up; until [ -e "$MARKS/go" ]; do sleep 0.05; done; echo over'
    const inHand = await submit(serverAt(0), 'in-hand', held)
    await expect.poll(courses).toMatchObject({ 'in-hand': 'begin' })
    await nats.kill()
    const states = async () =>
      Promise.all(
        servers.map(async (server) => {
          const answer = await server.request('GET', '/readyz', { token: null })
          return [answer.status, ((await answer.json()) as Health).status]
        }),
      )
    await expect.poll(states).toEqual([
      [200, 'degraded'],
      [200, 'degraded'],
    ])
    const waiting: [string, string][] = []
    for (const [n, server] of [...servers, ...servers].entries()) {
      waiting.push([await submit(server, `waits-${n}`, 'echo done'), `waits-${n}`])
    }
    await marks.tell('go')
    // What was in hand ends without NATS.
    await expectWhole(inHand, 'in-hand', 'up\nover\n')
    for (const [id] of waiting) expect((await getRun(serverAt(1), id)).status).toBe('pending')
    await nats.start()
    for (const [id, step] of waiting) await expectWhole(id, step, 'done\n')
    await expect.poll(states).toEqual([
      [200, 'healthy'],
      [200, 'healthy'],
    ])
    expect(await courses()).toEqual(expected)
  })
})

describe('a new version, one server after the other', () => {
  it('costs no run, no attempt and no line, with NATS and workers elsewhere, under load', async () => {
    const lines = Array.from({ length: 20 }, (_, n) => `line ${n + 1}\n`).join('')
    const talk = 'for i in $(seq 1 20); do echo "line $i"; sleep 0.05; done'
    const runs: [string, string][] = []
    const load = async (server: TestServer, count: number) => {
      for (let n = 0; n < count; n++) {
        const step = `load-${runs.length}`
        runs.push([await submit(server, step, talk), step])
      }
    }
    await load(serverAt(0), 3)
    for (const [server, other] of [
      [serverAt(0), serverAt(1)],
      [serverAt(1), serverAt(0)],
    ] as const) {
      present = [other]
      const stopping = server.stop()
      await load(other, 2)
      expect(await stopping).toBe(0)
      await load(other, 1)
      await server.restart()
      present = [...servers]
      await load(server, 1)
    }
    expect(runs).toHaveLength(11)
    for (const [id, step] of runs) await expectWhole(id, step, lines)
    expect(await courses()).toEqual(expected)
  })

  it('nor do both killed at once', async () => {
    const talk = 'echo up; until [ -e "$MARKS/on" ]; do sleep 0.05; done; echo over'
    const ids = [
      await submit(serverAt(0), 'killed-0', talk),
      await submit(serverAt(1), 'killed-1', talk),
    ]
    await expect.poll(courses).toMatchObject({ 'killed-0': 'begin', 'killed-1': 'begin' })
    await Promise.all(servers.map((server) => server.kill()))
    await marks.tell('on')
    await expect.poll(courses).toMatchObject({ 'killed-0': 'begin end', 'killed-1': 'begin end' })
    await Promise.all(servers.map((server) => server.restart()))
    for (const [n, id] of ids.entries()) await expectWhole(id, `killed-${n}`, 'up\nover\n')
    expect(await courses()).toEqual(expected)
  })
})
