import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobBus, JobHandler } from '../../packages/server/src/ports/job-bus.ts'
import {
  aborted,
  collect,
  eventually,
  type JobBusWorld,
  type JobBusWorldOptions,
  newJob,
  open,
  succeed,
} from './job-bus-tools.ts'

/** What every job bus makes good: lost wakes, lost connections, stops told to another server. */
export function jobBusFaultSuite(
  name: string,
  makeWorld: (options: JobBusWorldOptions) => Promise<JobBusWorld>,
): void {
  describe(`job bus in trouble: ${name}`, () => {
    let world: JobBusWorld
    let bus: JobBus
    const subscribe = async (handle: JobHandler) =>
      bus.subscribe({
        workerId: await world.addWorker(['task']),
        types: ['task'],
        capacity: 4,
        handle,
      })

    beforeEach(async () => {
      world = await makeWorld({ safetyNet: 'quick' })
      bus = await world.openBus()
    })
    afterEach(async () => {
      await world.close()
    })

    it('delivers a job whose wake was lost', async () => {
      await subscribe(() => succeed())
      const [told, untold] = [newJob(), newJob()]
      await world.enqueue([told])
      await eventually(world, told.id).toMatchObject({ state: 'succeeded' })
      await world.enqueue([untold], 'unseen')
      await eventually(world, untold.id).toMatchObject({ state: 'succeeded' })
    })

    it('survives the loss of its connections, with jobs in hand and without', async () => {
      const gate = open<void>()
      const seen = collect<string>()
      await subscribe(async (job) => {
        seen.add(job.id)
        if (job.payload === 'wait') await gate.opened
        return { state: 'succeeded', result: job.attempt }
      })
      await expect(bus.check()).resolves.toBeUndefined()
      await world.cutConnections()
      const waiting = newJob({ payload: 'wait' })
      await world.enqueue([waiting])
      await seen.next()
      await world.cutConnections()
      gate.open()
      await eventually(world, waiting.id).toMatchObject({ state: 'succeeded' })
      const { result } = await world.read(waiting.id)
      expect(world.losesAnswers === true ? [1, 2] : [1]).toContain(result)
      await world.cutConnections()
      const after = Array.from({ length: 20 }, () => newJob())
      await world.enqueue(after)
      await world.cutConnections()
      for (const job of after) await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
      await expect(bus.check()).resolves.toBeUndefined()
    })

    it('stops a job that was cancelled through another server', async () => {
      const other = await world.openBus()
      const job = newJob({ runId: randomUUID() })
      const seen = collect<AbortSignal>()
      const otherWorker = await world.addWorker(['task'])
      other.subscribe({
        workerId: otherWorker,
        types: ['task'],
        capacity: 1,
        async handle(_, signal) {
          seen.add(signal)
          await aborted(signal)
          throw new Error('stopped')
        },
      })
      await world.enqueue([job])
      const signal = await seen.next()
      await world.cancel(job.runId!)
      await aborted(signal)
      expect(await world.read(job.id)).toMatchObject({ state: 'cancelled' })
    })
  })
}
