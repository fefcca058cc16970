import fc from 'fast-check'
import { expect, it } from 'vitest'
import { limitConcurrency } from './limit-concurrency.ts'

it('never runs more than it may, runs everything, and survives failures', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      async (most, failing) => {
        const limit = limitConcurrency(most)
        let running = 0
        let peak = 0
        const results = await Promise.allSettled(
          failing.map((fails, index) =>
            limit(async () => {
              running += 1
              peak = Math.max(peak, running)
              await Promise.resolve()
              running -= 1
              if (fails) throw new Error('no')
              return index
            }),
          ),
        )
        expect(peak).toBe(Math.min(most, failing.length))
        expect(results.map(({ status }) => status === 'rejected')).toEqual(failing)
      },
    ),
  )
})
