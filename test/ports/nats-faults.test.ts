// NATS goes away, comes back, and loses what it had: the ledger loses nothing and does nothing twice.
import { randomUUID } from 'node:crypto'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimJobs, openWorkLedger } from '../../packages/server/src/jobs/index.ts'
import type { NewJob } from '../../packages/server/src/db/unit-of-work.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import {
  aborted,
  chunks,
  collect,
  eventually,
  newJob,
  open,
  succeed,
  whyOf,
} from './job-bus-tools.ts'
import { countEffects } from './nats-effects.ts'
import { makeNatsWorld, type NatsWorld } from './nats-world.ts'

const never = 3_600_000
const longMs = 60_000

let nats: TestNats
let world: NatsWorld
const clients: NatsConnection[] = []
beforeEach(async () => {
  nats = await startNats()
})
afterEach(async () => {
  await world.close()
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await nats.close()
})

const begin = async (options: { keepMs: number | null; pollMs?: number }) => {
  world = await makeNatsWorld({ servers: [nats.host], ...options })
}
const stream = (name: string) => `${world.connection.prefix}-${name}`
async function manager() {
  const client = await connect({ servers: nats.host })
  clients.push(client)
  return { jsm: await jetstreamManager(client), js: jetstream(client) }
}
const tasks = (count: number): NewJob[] =>
  Array.from({ length: count }, () =>
    newJob({ subject: `pipeline.tasks.${randomUUID()}.${randomUUID()}` }),
  )
const idsOf = (jobs: readonly NewJob[]) => jobs.map(({ id }) => id)

describe('NATS that is away', () => {
  it(
    'loses and doubles nothing when it is killed under load, again and again',
    async () => {
      await begin({ keepMs: 200 })
      const bus = await world.openBus()
      const effects = await countEffects(world)
      for (let n = 0; n < 2; n++) {
        const worker = await world.openWorkerBus()
        worker.subscribe({
          workerId: await world.addWorker(['task']),
          types: ['task'],
          capacity: 8,
          handle: effects.handle,
        })
      }
      const jobs = tasks(1500)
      const enqueue = async () => {
        for (const some of chunks(jobs, 10)) await world.enqueue(some)
      }
      const breakIt = async () => {
        for (const seen of [100, 500, 900]) {
          await expect
            .poll(async () => (await effects.count()).jobs, { timeout: longMs })
            .toBeGreaterThan(seen)
          await nats.kill()
          await nats.start()
        }
      }
      await Promise.all([enqueue(), breakIt()])
      await effects.expectOnce(idsOf(jobs))
      await expect
        .poll(() => bus.check().then(() => 'well', String), { timeout: longMs })
        .toBe('well')
    },
    2 * longMs,
  )

  it('keeps nobody from starting, and what was queued meanwhile begins when it is there', async () => {
    await begin({ keepMs: 100 })
    await nats.kill()
    const opening = world.openBus()
    const jobs = tasks(20)
    await world.enqueue(jobs)
    const worker = await world.openWorkerBus()
    worker.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 4,
      handle: () => succeed(),
    })
    await expect(worker.check()).rejects.toThrow(/connection/i)
    expect(await world.read(jobs[0]!.id)).toMatchObject({ state: 'queued' })
    await nats.start()
    await opening
    for (const { id } of jobs)
      await eventually(world, id).toMatchObject({ state: 'succeeded', attempt: 1 })
  })

  it(
    'lets jobs in hand go on, which end in the ledger while it is away',
    async () => {
      await begin({ keepMs: null, pollMs: never })
      const bus = await world.openBus()
      const gate = open<void>()
      const begun = collect<string>()
      bus.subscribe({
        workerId: await world.addWorker(['task']),
        types: ['task'],
        capacity: 1,
        async handle(job) {
          begun.add(job.id)
          await gate.opened
          return { state: 'succeeded', result: 'meanwhile' }
        },
      })
      const [job] = tasks(1)
      await world.enqueue([job!])
      await begun.next()
      await nats.kill()
      await expect.poll(() => bus.check().then(() => 'well', String)).not.toBe('well')
      gate.open()
      await eventually(world, job!.id).toMatchObject({ state: 'succeeded', result: 'meanwhile' })
      await nats.start()
      // Its message was not acknowledged; the ledger refuses what comes of it.
      const { jsm } = await manager()
      await expect
        .poll(async () => (await jsm.streams.info(stream('pipeline-tasks'))).state.messages, {
          timeout: longMs,
        })
        .toBe(0)
      expect(begun.all).toEqual([job!.id])
    },
    2 * longMs,
  )
})

describe('what NATS has lost', () => {
  it(
    'is published again from the ledger: streams that were deleted, and a whole store',
    async () => {
      await begin({ keepMs: null })
      const bus = await world.openBus()
      const effects = await countEffects(world)
      const jobs = [...tasks(1200), newJob({ type: 'build', subject: 'builds.1' })]
      for (const some of chunks(jobs, 300)) await world.enqueue(some)
      const { jsm } = await manager()
      const waiting = async () => {
        const { state } = await jsm.streams.info(stream('pipeline-tasks'))
        return state.messages
      }
      await expect.poll(waiting).toBe(1200)
      await jsm.streams.delete(stream('pipeline-tasks'))
      await jsm.streams.delete(stream('pipeline-builds'))
      // The stretches of a long backlog, one call each.
      for (let n = 0; n < 4; n++) await bus.keep()
      expect(await waiting()).toBe(1200)
      bus.subscribe({
        workerId: await world.addWorker(['task', 'build']),
        types: ['task', 'build'],
        capacity: 20,
        handle: effects.handle,
      })
      await effects.expectOnce(idsOf(jobs))
    },
    longMs,
  )

  it(
    'is found job by job, and a backlog that is there gets no doubles',
    async () => {
      await begin({ keepMs: null })
      const bus = await world.openBus()
      const { jsm } = await manager()
      const jobs = tasks(40)
      const run = randomUUID()
      // These share a subject, as the releases of one run do.
      const releases = [1, 2, 3].map(() =>
        newJob({ type: 'release', subject: `pipeline.releases.${run}`, runId: run }),
      )
      await world.enqueue([...jobs, ...releases])
      const countOf = async (name: string) => (await jsm.streams.info(stream(name))).state.messages
      await expect.poll(() => countOf('pipeline-tasks')).toBe(40)
      await expect.poll(() => countOf('pipeline-releases')).toBe(3)
      await jsm.streams.deleteMessage(stream('pipeline-tasks'), 7)
      await jsm.streams.deleteMessage(stream('pipeline-releases'), 2)
      await sql`update jobs set run_at = run_at - interval '1 s'`.execute(world.ledger.db)
      for (let n = 0; n < 3; n++) await bus.keep()
      expect(await countOf('pipeline-tasks')).toBe(40)
      const { state } = await jsm.streams.info(stream('pipeline-releases'))
      // One is missing, and nobody can tell which of the three.
      expect(state.messages).toBe(5)
      bus.subscribe({
        workerId: await world.addWorker(['task', 'release']),
        types: ['task', 'release'],
        capacity: 5,
        handle: () => succeed(),
      })
      for (const { id } of [...jobs, ...releases]) {
        await eventually(world, id).toMatchObject({ state: 'succeeded', attempt: 1 })
      }
      await expect.poll(() => countOf('pipeline-releases')).toBe(0)
    },
    longMs,
  )
})

describe('a worker without a database', () => {
  it('waits for its lease, and swallows nothing meanwhile', async () => {
    await begin({ keepMs: null })
    await world.openBus()
    const worker = await world.openWorkerBus()
    const workerId = await world.addWorker(['task'])
    await sql`update workers set last_seen_at = now() - interval '80 s'`.execute(world.ledger.db)
    const refused = collect<number>()
    const ledger = openWorkLedger(world.ledger)
    const watched = await world.openWorkerBus({
      ledger: {
        ...ledger,
        async claim(input) {
          const jobs = await ledger.claim(input)
          refused.add(jobs.length)
          return jobs
        },
      },
    })
    watched.subscribe({ workerId, types: ['task'], capacity: 2, handle: () => succeed('mine') })
    const jobs = tasks(10)
    await world.enqueue(jobs)
    expect([await refused.next(), await refused.next()]).toEqual([0, 0])
    await sql`update workers set last_seen_at = now()`.execute(world.ledger.db)
    for (const { id } of jobs) await eventually(world, id).toMatchObject({ state: 'succeeded' })
    await worker.close()
  })

  it('keeps what it was given while the ledger does not answer', async () => {
    await begin({ keepMs: null })
    await world.openBus()
    const ledger = openWorkLedger(world.ledger)
    let away = true
    const tried = collect<string>()
    const worker = await world.openWorkerBus({
      ledger: {
        ...ledger,
        async claim(input) {
          tried.add('claim')
          if (away) throw new TypeError('fetch failed')
          return await ledger.claim(input)
        },
        async complete(input) {
          tried.add('complete')
          if (tried.all.filter((what) => what === 'complete').length < 3) {
            throw new TypeError('fetch failed')
          }
          return await ledger.complete(input)
        },
      },
    })
    worker.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: () => succeed('at last'),
    })
    const [job] = tasks(1)
    await world.enqueue([job!])
    for (let n = 0; n < 3; n++) expect(await tried.next()).toBe('claim')
    away = false
    await eventually(world, job!.id).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      result: 'at last',
    })
  })

  it('frees an attempt whose claim never reached it, and stops one that is not its own', async () => {
    await begin({ keepMs: 100, pollMs: 100 })
    const bus = await world.openBus()
    const workerId = await world.addWorker(['task'])
    const [lost, taken] = [newJob(), newJob({ payload: 'wait' })]
    await world.enqueue([lost])
    // The answer of this claim is lost on its way.
    await claimJobs(world.ledger, { workerId, types: ['task'], limit: 1 })
    const signals = collect<AbortSignal>()
    bus.subscribe({
      workerId,
      types: ['task'],
      capacity: 1,
      async handle(job, signal) {
        if (job.payload !== 'wait' || signals.all.length > 0)
          return { state: 'succeeded', result: null }
        signals.add(signal)
        await aborted(signal)
        return { state: 'succeeded', result: 'not its own' }
      },
    })
    await eventually(world, lost.id).toMatchObject({ state: 'succeeded', attempt: 2 })
    await world.enqueue([taken])
    const signal = await signals.next()
    // As after a crash of the database that forgot the claim.
    await sql`update jobs set state = 'queued', attempt = 0, worker_id = null
               where id = ${taken.id}::uuid`.execute(world.ledger.db)
    await aborted(signal)
    expect(whyOf(signal)).toBe('lost')
    // Its message was acknowledged away, and is missed.
    await eventually(world, taken.id).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      result: null,
    })
  })

  it('gives back what it was sent and has no place for', async () => {
    await begin({ keepMs: null })
    await world.openBus()
    const gate = open<void>()
    const begun = collect<string>()
    const busy = await world.openWorkerBus()
    busy.subscribe({
      workerId: await world.addWorker(['task', 'discovery']),
      types: ['task', 'discovery'],
      capacity: 1,
      async handle(job) {
        begun.add(job.type)
        await gate.opened
        return { state: 'succeeded', result: 'busy' }
      },
    })
    // It waits for one of each type, and gets both.
    const task = newJob()
    const discovery = newJob({ type: 'discovery', subject: `pipeline.discovery.${randomUUID()}` })
    await world.enqueue([task, discovery])
    const [first, second] = (await begun.next()) === 'task' ? [task, discovery] : [discovery, task]
    const free = await world.openWorkerBus()
    free.subscribe({
      workerId: await world.addWorker(['task', 'discovery']),
      types: ['task', 'discovery'],
      capacity: 1,
      handle: () => succeed('free'),
    })
    await eventually(world, second.id).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      result: 'free',
    })
    gate.open()
    await eventually(world, first.id).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      result: 'busy',
    })
  })
})
