// Waiting for the end of a job: by its worker's reply, and by the ledger where no reply comes.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { awaitJob, dispatchJob } from '../../packages/server/src/jobs/index.ts'
import type { JobBus, JobHandler } from '../../packages/server/src/ports/job-bus.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import { eventually, newJob, open, succeed } from './job-bus-tools.ts'
import { type EmbeddedWorld, makeEmbeddedWorld } from './job-bus-world.ts'
import { makeNatsWorld } from './nats-world.ts'

const timeoutMs = 15_000

let nats: TestNats
let world: EmbeddedWorld
beforeAll(async () => {
  nats = await startNats()
})
afterAll(async () => {
  await nats.close()
})
afterEach(async () => {
  await world.close()
})

const never = 3_600_000
const makers: Record<string, () => Promise<EmbeddedWorld>> = {
  embedded: () => makeEmbeddedWorld({ pollMs: never }),
  nats: () => makeNatsWorld({ servers: [nats.host], keepMs: null, pollMs: never }),
}

describe.each(Object.entries(makers))('a job that is dispatched by %s', (_name, makeWorld) => {
  const begin = async (handle: JobHandler): Promise<JobBus> => {
    world = await makeWorld()
    const bus = await world.openBus()
    bus.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 4,
      handle,
    })
    return bus
  }
  const deps = (bus: JobBus) => ({ ...world.ledger, bus })

  it('is waited for until its result is there', async () => {
    const bus = await begin(() => succeed({ answer: 42 }))
    expect(await dispatchJob(deps(bus), { job: newJob(), timeoutMs })).toEqual({
      state: 'succeeded',
      result: { answer: 42 },
      error: null,
    })
  })

  it('is waited for until it has failed, whoever ended it', async () => {
    const bus = await begin((job) =>
      job.payload === 'dies'
        ? Promise.reject(new Error('no luck'))
        : Promise.resolve({ state: 'failed', error: 'broken', result: [1] }),
    )
    const failing = dispatchJob(deps(bus), { job: newJob(), timeoutMs })
    const dying = dispatchJob(deps(bus), {
      job: newJob({ payload: 'dies', maxAttempts: 2 }),
      timeoutMs,
    })
    expect(await failing).toEqual({ state: 'failed', result: [1], error: 'broken' })
    expect(await dying).toEqual({ state: 'dead', result: null, error: 'no luck' })
  })

  it('is looked up where its handler has settled it, or somebody cancelled it', async () => {
    const gate = open<void>()
    const bus = await begin(async (job) => {
      if (job.payload === 'wait') await gate.opened
      else await world.settle(job, await workerOf(job.id))
      return { state: 'settled' }
    })
    const workerOf = async (id: string) => (await world.read(id)).workerId ?? ''
    expect(await dispatchJob(deps(bus), { job: newJob(), timeoutMs })).toMatchObject({
      state: 'succeeded',
      result: 'settled',
    })
    const job = newJob({ runId: randomUUID(), payload: 'wait' })
    const waiting = dispatchJob(deps(bus), { job, timeoutMs })
    await eventually(world, job.id).toMatchObject({ state: 'running' })
    await world.cancel(job.runId ?? '')
    expect(await waiting).toMatchObject({ state: 'cancelled' })
    gate.open()
  })

  it('can be waited for by somebody else, and after its end', async () => {
    const gate = open<void>()
    const bus = await begin(async () => {
      await gate.opened
      return { state: 'succeeded', result: 1 }
    })
    const job = newJob()
    await world.enqueue([job])
    // This one's process has not woken the bus, so no reply comes to it.
    const other = await world.openBus()
    const waiting = [
      awaitJob(deps(bus), { id: job.id, timeoutMs }),
      awaitJob(deps(other), { id: job.id, timeoutMs }),
    ]
    gate.open()
    expect(await Promise.all(waiting)).toMatchObject([{ result: 1 }, { result: 1 }])
    expect(await awaitJob(deps(other), { id: job.id, timeoutMs })).toMatchObject({ result: 1 })
    await expect(awaitJob(deps(bus), { id: randomUUID(), timeoutMs })).rejects.toThrow('no job')
  })

  it('is given up by who waits when the time is over, and goes on', async () => {
    const gate = open<void>()
    const bus = await begin(async () => {
      await gate.opened
      return { state: 'succeeded', result: null }
    })
    const job = newJob()
    await expect(dispatchJob(deps(bus), { job, timeoutMs: 50 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    gate.open()
    await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
  })
})
