import fc from 'fast-check'
import { expect, it } from 'vitest'
import { limitConcurrency } from './limit-concurrency.ts'

it('never runs more than the limit, and runs every task, whether others fail or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      async (scheduler, limit, tasks) => {
        const limited = limitConcurrency(limit)
        let running = 0
        let most = 0
        const results = tasks.map((fails, index) =>
          limited(async () => {
            running += 1
            most = Math.max(most, running)
            await scheduler.schedule(Promise.resolve())
            running -= 1
            if (fails) throw new Error(`task ${index}`)
            return index
          }),
        )
        const settled = Promise.allSettled(results)
        await scheduler.waitFor(settled)
        expect(most).toBe(Math.min(limit, tasks.length))
        expect((await settled).map((result) => result.status)).toEqual(
          tasks.map((fails) => (fails ? 'rejected' : 'fulfilled')),
        )
      },
    ),
  )
})
