import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runStepGraph } from './step-graph.ts'

const graph = fc
  .array(fc.tuple(fc.boolean(), fc.array(fc.nat(), { maxLength: 3 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((entries) =>
    entries.map(([ok, needs], index) => ({
      name: `s${index}`,
      ok,
      // Only earlier steps: acyclic by construction, as the configuration guarantees.
      needs: index === 0 ? [] : [...new Set(needs.map((need) => `s${need % index}`))],
    })),
  )

describe('runStepGraph', () => {
  it('starts a step only after all it needs, never too many at once, and nothing after a failure', async () => {
    await fc.assert(
      fc.asyncProperty(
        graph,
        fc.integer({ min: 1, max: 4 }),
        fc.scheduler(),
        async (steps, parallel, scheduler) => {
          const done = new Set<string>()
          const started: string[] = []
          let running = 0
          let failed = false
          let stops = 0
          const result = runStepGraph({
            steps,
            parallel,
            stopOthers: () => void stops++,
            run: async (step) => {
              expect(failed).toBe(false)
              expect(step.needs.every((name) => done.has(name))).toBe(true)
              started.push(step.name)
              running++
              expect(running).toBeLessThanOrEqual(parallel)
              await scheduler.schedule(Promise.resolve())
              running--
              if (step.ok) done.add(step.name)
              else failed = true
              return step.ok
            },
          })
          await scheduler.waitFor(result)
          const succeeded = await result
          expect(running).toBe(0)
          expect(succeeded).toBe(steps.every(({ ok }) => ok))
          expect(stops).toBe(succeeded ? 0 : 1)
          expect(new Set(started).size).toBe(started.length)
          if (succeeded) expect(started).toHaveLength(steps.length)
        },
      ),
    )
  })

  it('takes a step that throws for a failed one', async () => {
    const run = () => Promise.reject(new Error('broken'))
    const result = runStepGraph({
      steps: [{ name: 'a', needs: [] }],
      parallel: 1,
      run,
      stopOthers: () => undefined,
    })
    expect(await result).toBe(false)
  })
})
