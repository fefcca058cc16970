import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRetryAfter, planRetry } from './plan-retry.ts'

const dayMs = 86_400_000
const plain = { ageMs: 0, askedMs: null, random: 0.5 }

describe('planRetry', () => {
  it('waits longer each time, and ends within a day and a little', () => {
    const waits = Array.from({ length: 9 }, (_, index) =>
      planRetry({ ...plain, attempt: index + 1 }),
    )
    expect(waits.slice(0, 8)).toEqual(
      [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200].map((seconds) => seconds * 1_000),
    )
    expect(waits[8]).toBeNull()
  })

  it('spreads each wait by a fifth to either side', () => {
    expect(planRetry({ ...plain, attempt: 1, random: 0 })).toBe(4_000)
    expect(planRetry({ ...plain, attempt: 1, random: 1 })).toBe(6_000)
  })

  it('comes no sooner than asked for', () => {
    expect(planRetry({ ...plain, attempt: 1, askedMs: 90_000 })).toBe(90_000)
    expect(planRetry({ ...plain, attempt: 4, askedMs: 90_000 })).toBe(600_000)
  })

  it('never plans behind the day of a delivery, whatever is asked for', () => {
    const input = fc.record({
      attempt: fc.integer({ min: 1, max: 12 }),
      ageMs: fc.integer({ min: 0, max: 3 * dayMs }),
      askedMs: fc.option(fc.integer({ min: 0, max: 1e12 })),
      random: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(input, (given) => {
        const wait = planRetry(given)
        if (given.ageMs >= dayMs || given.attempt > 8) expect(wait).toBeNull()
        else {
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(given.ageMs + wait!).toBeLessThanOrEqual(dayMs + 1)
        }
      }),
    )
  })
})

describe('parseRetryAfter', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
    ['99999999999999999999', null],
    [undefined, null],
  ])('reads %s as %s', (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms)
  })
})
