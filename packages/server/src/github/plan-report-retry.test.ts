import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planReportRetry } from './plan-report-retry.ts'

const day = 86_400_000
const plan = (more: Partial<Parameters<typeof planReportRetry>[0]>) =>
  planReportRetry({
    reason: 'away',
    attempt: 1,
    ageMs: 0,
    retryAfterMs: null,
    random: 0.5,
    ...more,
  })

describe('planReportRetry', () => {
  it('waits longer each time, up to five minutes, or half an hour where somebody must act', () => {
    const delays = (reason: 'away' | 'refused') =>
      [1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempt) => plan({ reason, attempt })?.delayMs)
    const growing = [2_000, 6_000, 18_000, 54_000, 162_000]
    expect(delays('away')).toEqual([...growing, ...Array(4).fill(300_000)])
    expect(delays('refused')).toEqual([...growing, 486_000, 1_458_000, 1_800_000, 1_800_000])
  })

  it('never tries again what cannot help, and nothing for longer than a day', () => {
    expect(plan({ reason: 'missing' })).toBeNull()
    expect(plan({ reason: 'invalid' })).toBeNull()
    expect(plan({ ageMs: day })).toBeNull()
    expect(plan({ ageMs: day - 1 })).not.toBeNull()
  })

  it('waits as long as a limit says, for the whole repository, and blames no report for it', () => {
    expect(plan({ reason: 'limited', retryAfterMs: 90_000 })).toEqual({
      delayMs: 90_000,
      othersMs: 90_000,
      counts: false,
    })
  })

  it('never holds others longer than itself, and spreads tries by a fifth', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('away' as const, 'refused' as const),
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (reason, attempt, random) => {
          const planned = plan({ reason, attempt, random })
          const middle = plan({ reason, attempt })
          if (planned === null || middle === null) throw new Error('no plan')
          expect(planned.othersMs).toBeLessThanOrEqual(planned.delayMs)
          expect(Math.abs(planned.delayMs / middle.delayMs - 1)).toBeLessThan(0.201)
        },
      ),
    )
  })
})
