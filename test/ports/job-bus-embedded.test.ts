import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { createLocalSignals } from '../../packages/server/src/db/signals.ts'
import { claimJobs } from '../../packages/server/src/jobs/index.ts'
import { quietLog } from '../support/quiet-log.ts'
import { aborted, collect, eventually, newJob, succeed, whyOf } from './job-bus-tools.ts'
import { type EmbeddedWorld, makeEmbeddedWorld } from './job-bus-world.ts'
import { jobBusSuite } from './job-bus.suite.ts'

const never = 3_600_000

jobBusSuite('embedded', ({ safetyNet }) =>
  makeEmbeddedWorld({ pollMs: safetyNet === 'quick' ? 100 : never }),
)

describe('the embedded job bus', () => {
  let world: EmbeddedWorld
  afterEach(async () => {
    await world.close()
  })

  it('wakes and stops workers of other servers by signals, and only if there are any', async () => {
    const sent: string[] = []
    const local = createLocalSignals(quietLog)
    world = await makeEmbeddedWorld({
      pollMs: never,
      signals: {
        ...local,
        notify(channel, payload) {
          sent.push(channel)
          local.notify(channel, payload)
        },
      },
    })
    await world.openBus()
    await world.enqueue([newJob({ type: 'other' })])
    expect(sent).toEqual([])
    const remote = await world.openBus()
    const signals = collect<AbortSignal>()
    remote.subscribe({
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      async handle(_, signal) {
        signals.add(signal)
        await aborted(signal)
        throw new Error('stopped')
      },
    })
    await expect.poll(() => sent).toEqual(['slipway_workers'])
    const job = newJob({ runId: '00000000-0000-4000-8000-000000000001' })
    await world.enqueue([job])
    const signal = await signals.next()
    await world.cancel(job.runId!)
    await aborted(signal)
    // Not lost to somebody else, who would go on with it.
    expect(whyOf(signal)).toBe('cancelled')
    expect(sent).toEqual(['slipway_workers', 'slipway_jobs_queued', 'slipway_jobs_stopped'])
  })

  it('frees an attempt whose claim never reached it, and stops one that is not its own', async () => {
    world = await makeEmbeddedWorld({ pollMs: 100 })
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
        if (job.payload !== 'wait' || job.attempt > 1) return { state: 'succeeded', result: null }
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
    expect((await world.read(taken.id)).result).toBeNull()
  })

  it('gives nothing to a worker until it is registered', async () => {
    world = await makeEmbeddedWorld({ pollMs: 50 })
    const bus = await world.openBus()
    const job = newJob()
    const workerId = await world.addWorker(['task'])
    await sql`update workers set last_seen_at = now() - interval '80 s'`.execute(world.ledger.db)
    const entered: string[] = []
    bus.subscribe({
      workerId,
      types: ['task'],
      capacity: 1,
      handle: ({ id }) => {
        entered.push(id)
        return succeed()
      },
    })
    await world.enqueue([job])
    await world.enqueue([newJob({ type: 'other' })])
    expect(entered).toEqual([])
    await sql`update workers set last_seen_at = now()`.execute(world.ledger.db)
    await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
  })

  it('says so when the database is gone, and refuses a subscription that would confuse it', async () => {
    world = await makeEmbeddedWorld()
    const bus = await world.openBus()
    const options = {
      workerId: await world.addWorker(['task']),
      types: ['task'],
      capacity: 1,
      handle: () => succeed(),
    }
    bus.subscribe(options)
    expect(() => bus.subscribe(options)).toThrow(TypeError)
    expect(() => bus.subscribe({ ...options, types: ['x'], capacity: 0 })).toThrow(TypeError)
    await bus.check()
    await bus.close()
    expect(() => bus.subscribe(options)).toThrow('closed')
    await world.database.db.destroy()
    await expect(bus.check()).rejects.toThrow(/destroyed/)
  })
})
