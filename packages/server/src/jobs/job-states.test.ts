import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyChange, isFinal, jobChanges, type JobStanding, jobStates } from './job-states.ts'

const changes = fc.array(fc.constantFrom(...jobChanges), { maxLength: 60 })
const fresh = fc
  .integer({ min: 1, max: 5 })
  .map((maxAttempts): JobStanding => ({ state: 'queued', attempt: 0, maxAttempts }))

describe('job states', () => {
  it('allow exactly the documented transitions', () => {
    const table = jobStates.flatMap((state) =>
      jobChanges.flatMap((change) => {
        const next = applyChange({ state, attempt: 1, maxAttempts: 3 }, change)
        return next === null ? [] : [`${state} ${change} ${next.state} ${next.attempt}`]
      }),
    )
    expect(table).toEqual([
      'queued claim running 2',
      'queued cancel cancelled 1',
      'queued strand failed 1',
      'running return queued 0',
      'running succeed succeeded 1',
      'running fail failed 1',
      'running lose queued 1',
      'running expire failed 1',
      'running cancel cancelled 1',
    ])
  })

  it('begin at most max_attempts attempts, and die only of the last', () => {
    fc.assert(
      fc.property(fresh, changes, (start, sequence) => {
        let job = start
        for (const change of sequence) {
          const next = applyChange(job, change)
          if (next === null) continue
          job = next
          expect(job.attempt).toBeGreaterThanOrEqual(job.state === 'running' ? 1 : 0)
          expect(job.attempt).toBeLessThanOrEqual(job.maxAttempts)
          if (job.state === 'queued') expect(job.attempt).toBeLessThan(job.maxAttempts)
          if (job.state === 'dead') expect(job.attempt).toBe(job.maxAttempts)
        }
      }),
    )
  })

  it('end once: a final state never changes', () => {
    fc.assert(
      fc.property(fresh, changes, (start, sequence) => {
        let job = start
        let ends = 0
        for (const change of sequence) {
          const next = applyChange(job, change)
          if (isFinal(job.state)) expect(next).toBeNull()
          if (next === null) continue
          job = next
          if (isFinal(job.state)) ends++
        }
        expect(ends).toBeLessThanOrEqual(1)
      }),
    )
  })
})
