import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClaimedJob, JobBus, JobHandler } from '../../packages/server/src/ports/job-bus.ts'
import { jobBusFaultSuite } from './job-bus-faults.suite.ts'
import {
  aborted,
  chunks,
  collect,
  eventually,
  type JobBusWorld,
  type JobBusWorldOptions,
  newJob,
  open,
  succeed,
  whyOf,
} from './job-bus-tools.ts'

/** What every job bus does. Rejected attempts are retried within milliseconds in these worlds. */
export function jobBusSuite(
  name: string,
  makeWorld: (options: JobBusWorldOptions) => Promise<JobBusWorld>,
): void {
  describe(`job bus: ${name}`, () => {
    let world: JobBusWorld
    let bus: JobBus
    let workerId: string
    const begin = async (options: JobBusWorldOptions) => {
      world = await makeWorld(options)
      bus = await world.openBus()
      workerId = await world.addWorker(['task'])
    }
    const subscribe = (handle: JobHandler, capacity = 4) =>
      bus.subscribe({ workerId, types: ['task'], capacity, handle })

    afterEach(async () => {
      await world.close()
    })

    beforeEach(() => begin({ safetyNet: 'never' }))

    it('delivers a job with all that is known of it and stores its result', async () => {
      const job = newJob({ runId: randomUUID(), payload: { text: 'ä\n"', list: [1, null] } })
      const seen = collect<ClaimedJob>()
      subscribe((claimed) => {
        seen.add(claimed)
        return succeed({ answer: [42] })
      })
      await world.enqueue([job])
      const claimed = await seen.next()
      expect(claimed).toMatchObject({
        id: job.id,
        type: 'task',
        subject: job.subject,
        runId: job.runId,
        payload: job.payload,
        attempt: 1,
      })
      expect(claimed.deadlineAt).toBeInstanceOf(Date)
      await eventually(world, job.id).toEqual({
        state: 'succeeded',
        attempt: 1,
        workerId,
        result: { answer: [42] },
        error: null,
      })
    })

    it('delivers what is queued before anybody subscribes', async () => {
      const jobs = [newJob(), newJob(), newJob()]
      await world.enqueue(jobs)
      subscribe(() => succeed(), 1)
      for (const job of jobs) await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
    })

    it('is woken by each of many commits, whatever it is doing meanwhile', async () => {
      subscribe(() => succeed(), 2)
      const jobs = Array.from({ length: 60 }, () => newJob())
      await Promise.all(jobs.map((job) => world.enqueue([job])))
      for (const job of jobs) await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
    })

    it('delivers only types that are subscribed to', async () => {
      const other = newJob({ type: 'build' })
      const mine = newJob()
      const seen = collect<string>()
      subscribe((job) => {
        seen.add(job.id)
        return succeed()
      })
      await world.enqueue([other, mine])
      await eventually(world, mine.id).toMatchObject({ state: 'succeeded' })
      expect(seen.all).toEqual([mine.id])
      expect(await world.read(other.id)).toMatchObject({ state: 'queued', attempt: 0 })
    })

    it('never holds more jobs than its capacity, and uses all of it', async () => {
      const jobs = Array.from({ length: 12 }, () => newJob())
      const gates = new Map<string, () => void>()
      let most = 0
      const subscription = subscribe(async (job) => {
        const opened = new Promise<void>((resolve) => gates.set(job.id, resolve))
        most = Math.max(most, gates.size, subscription.active)
        await opened
        return { state: 'succeeded', result: null }
      }, 3)
      await world.enqueue(jobs)
      let ended = 0
      while (ended < jobs.length) {
        await expect.poll(() => gates.size).toBe(Math.min(3, jobs.length - ended))
        const [id, open] = [...gates][0]!
        gates.delete(id)
        open()
        ended++
      }
      expect(most).toBe(3)
      for (const job of jobs) await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
    })

    it('gives each job to one of two workers, once', async () => {
      const second = await world.openBus()
      const entered: string[] = []
      const handle: JobHandler = (job) => {
        entered.push(job.id)
        return succeed()
      }
      const jobs = Array.from({ length: 80 }, () => newJob())
      subscribe(handle, 2)
      second.subscribe({
        workerId: await world.addWorker(['task']),
        types: ['task'],
        capacity: 2,
        handle,
      })
      await Promise.all(chunks(jobs, 8).map((some) => world.enqueue(some)))
      for (const job of jobs) {
        await eventually(world, job.id).toMatchObject({ state: 'succeeded', attempt: 1 })
      }
      expect(entered.toSorted()).toEqual(jobs.map((job) => job.id).toSorted())
    })

    it('tries a rejected job again until its last attempt, then leaves it dead', async () => {
      const job = newJob({ maxAttempts: 3 })
      const attempts: number[] = []
      subscribe((claimed) => {
        attempts.push(claimed.attempt)
        return Promise.reject(new Error(`no luck ${claimed.attempt}`))
      })
      await world.enqueue([job])
      await eventually(world, job.id).toMatchObject({
        state: 'dead',
        attempt: 3,
        error: 'no luck 3',
      })
      expect(attempts).toEqual([1, 2, 3])
    })

    it('takes the success of a later attempt', async () => {
      const job = newJob()
      subscribe((claimed) =>
        claimed.attempt < 2 ? Promise.reject(new Error('not yet')) : succeed('now'),
      )
      await world.enqueue([job])
      await eventually(world, job.id).toMatchObject({
        state: 'succeeded',
        attempt: 2,
        result: 'now',
      })
    })

    it('ends a job that its handler calls failed, for good', async () => {
      const job = newJob()
      subscribe(() => Promise.resolve({ state: 'failed', error: 'broken', result: { at: 7 } }))
      await world.enqueue([job])
      await eventually(world, job.id).toEqual({
        state: 'failed',
        attempt: 1,
        workerId,
        result: { at: 7 },
        error: 'broken',
      })
    })

    it('leaves alone what the handler has settled itself', async () => {
      const job = newJob()
      const counted = collect<boolean>()
      const subscription = subscribe(async (claimed) => {
        counted.add(await world.settle(claimed, workerId))
        return { state: 'settled' }
      })
      await world.enqueue([job])
      expect(await counted.next()).toBe(true)
      await expect.poll(() => subscription.active).toBe(0)
      expect(await world.read(job.id)).toMatchObject({ state: 'succeeded', result: 'settled' })
    })

    it('fails a job whose result cannot be stored, and none of its neighbours', async () => {
      const circular: { self?: unknown } = {}
      circular.self = circular
      const results = [circular, 10n, 'x'.repeat(2_000_000), '\0 \ud83d', 'fine']
      const jobs = results.map((_, index) => newJob({ payload: index }))
      subscribe((job) => succeed(results[job.payload as number]), jobs.length)
      await world.enqueue(jobs)
      for (const job of jobs.slice(0, 3)) {
        await eventually(world, job.id).toMatchObject({
          state: 'failed',
          error: expect.any(String),
        })
      }
      await eventually(world, jobs[3]!.id).toMatchObject({
        state: 'succeeded',
        result: '\ufffd \ufffd',
      })
      await eventually(world, jobs[4]!.id).toMatchObject({ state: 'succeeded', result: 'fine' })
    })

    it('never delivers what was cancelled while it was queued', async () => {
      const gate = open<void>()
      const seen: string[] = []
      subscribe(async (job) => {
        seen.push(job.id)
        await gate.opened
        return { state: 'succeeded', result: null }
      }, 1)
      const [first, second] = [newJob(), newJob({ runId: randomUUID() })]
      await world.enqueue([first])
      await expect.poll(() => seen).toEqual([first.id])
      await world.enqueue([second])
      await world.cancel(second.runId!)
      gate.open()
      await eventually(world, first.id).toMatchObject({ state: 'succeeded' })
      const last = newJob()
      await world.enqueue([last])
      await eventually(world, last.id).toMatchObject({ state: 'succeeded' })
      expect(seen).toEqual([first.id, last.id])
      expect(await world.read(second.id)).toMatchObject({ state: 'cancelled', attempt: 0 })
    })

    it('stops a running job that is cancelled, and takes nothing from it any more', async () => {
      const job = newJob({ runId: randomUUID() })
      const seen = collect<AbortSignal>()
      const subscription = subscribe(async (_, signal) => {
        seen.add(signal)
        await aborted(signal)
        return { state: 'succeeded', result: 'too late' }
      })
      await world.enqueue([job])
      const signal = await seen.next()
      await world.cancel(job.runId!)
      await aborted(signal)
      expect(whyOf(signal)).toBe('cancelled')
      await expect.poll(() => subscription.active).toBe(0)
      expect(await world.read(job.id)).toMatchObject({ state: 'cancelled', result: null })
    })

    it('stops a job at its deadline, which fails it', async () => {
      const job = newJob({ timeoutMs: 30 })
      const seen = collect<AbortSignal>()
      subscribe(async (_, signal) => {
        seen.add(signal)
        await aborted(signal)
        throw new Error('stopped')
      })
      await world.enqueue([job])
      const signal = await seen.next()
      await aborted(signal)
      expect(whyOf(signal)).toBe('expired')
      await eventually(world, job.id).toMatchObject({ state: 'failed', attempt: 1, result: null })
    })

    it('begins again, and not before it was let go, what a worker abandons', async () => {
      const job = newJob()
      const seen = collect<[number, AbortSignal]>()
      let inside = 0
      const subscription = subscribe(async ({ attempt }, signal) => {
        expect(++inside).toBe(1)
        seen.add([attempt, signal])
        if (attempt === 1) await aborted(signal)
        inside--
        return { state: 'succeeded', result: attempt }
      })
      await world.enqueue([job])
      const [, signal] = await seen.next()
      subscription.abandon()
      expect(whyOf(signal)).toBe('lost')
      await eventually(world, job.id).toMatchObject({ state: 'succeeded', attempt: 2, result: 2 })
    })

    it('does not begin a job before its time', async () => {
      const runAt = new Date(Date.now() + 400)
      const job = newJob({ runAt })
      const begun = collect<number>()
      subscribe(() => {
        begun.add(Date.now())
        return succeed()
      })
      await world.enqueue([job])
      // Both clocks are this machine's; the database's has a finer grain.
      expect(await begun.next()).toBeGreaterThanOrEqual(runAt.getTime() - 1)
      await eventually(world, job.id).toMatchObject({ state: 'succeeded' })
    })

    it('drains: what is in hand ends, what is queued stays', async () => {
      const gate = open<void>()
      const seen = collect<string>()
      const subscription = subscribe(async (job, signal) => {
        seen.add(job.id)
        await gate.opened
        return { state: 'succeeded', result: signal.aborted }
      }, 1)
      const [first, second] = [newJob(), newJob()]
      await world.enqueue([first])
      await seen.next()
      await world.enqueue([second])
      const drained = subscription.drain()
      gate.open()
      await drained
      expect(await world.read(first.id)).toMatchObject({ state: 'succeeded', result: false })
      expect(await world.read(second.id)).toMatchObject({ state: 'queued', attempt: 0 })
      expect(subscription.active).toBe(0)
    })

    it('closes: what is in hand is aborted and left to others at once', async () => {
      const job = newJob()
      const seen = collect<AbortSignal>()
      const subscription = subscribe(async (_, signal) => {
        seen.add(signal)
        await aborted(signal)
        throw new Error('stopped')
      })
      await world.enqueue([job])
      const signal = await seen.next()
      await subscription.close()
      expect(whyOf(signal)).toBe('closing')
      expect(await world.read(job.id)).toMatchObject({ state: 'queued', attempt: 1 })
      const heir = await world.addWorker(['task'])
      bus.subscribe({
        workerId: heir,
        types: ['task'],
        capacity: 1,
        handle: () => succeed('heir'),
      })
      await eventually(world, job.id).toMatchObject({
        state: 'succeeded',
        attempt: 2,
        workerId: heir,
        result: 'heir',
      })
    })

    it('takes what a handler still returns while it is closed', async () => {
      const job = newJob()
      const seen = collect<AbortSignal>()
      const subscription = subscribe(async (_, signal) => {
        seen.add(signal)
        await aborted(signal)
        return { state: 'succeeded', result: 'just in time' }
      })
      await world.enqueue([job])
      await seen.next()
      await subscription.close()
      await eventually(world, job.id).toMatchObject({ state: 'succeeded', result: 'just in time' })
    })

    it('closes its subscriptions when it is closed', async () => {
      const job = newJob()
      const seen = collect<AbortSignal>()
      subscribe(async (_, signal) => {
        seen.add(signal)
        await aborted(signal)
        throw new Error('stopped')
      })
      await world.enqueue([job])
      const signal = await seen.next()
      await bus.close()
      expect(whyOf(signal)).toBe('closing')
      expect(await world.read(job.id)).toMatchObject({ state: 'queued' })
    })
  })

  jobBusFaultSuite(name, makeWorld)
}
