import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPace } from './pace.ts'

describe('createPace', () => {
  it('lets a few begin at once, then so many a second, and a few again after a rest', () => {
    let now = 0
    const waitFor = createPace({ burst: 2, perSecond: 4 }, () => now)
    expect([waitFor(), waitFor()]).toEqual([0, 0])
    expect(waitFor()).toBe(250)
    now = 250
    expect(waitFor()).toBe(250)
    now = 10_000
    expect([waitFor(), waitFor()]).toEqual([0, 0])
    expect(waitFor()).toBe(250)
  })

  it('never has more begin within any time than it says', () => {
    const limits = { burst: 5, perSecond: 4 }
    fc.assert(
      fc.property(fc.array(fc.nat(2_000), { minLength: 1, maxLength: 200 }), (pauses) => {
        let now = 0
        const waitFor = createPace(limits, () => now)
        const begun = pauses.map((pause) => {
          now += pause
          now += waitFor()
          return now
        })
        for (const [index, from] of begun.entries()) {
          for (const [further, to] of begun.slice(index).entries()) {
            const most = limits.burst + ((to - from) * limits.perSecond) / 1000
            expect(further + 1).toBeLessThanOrEqual(most + 1e-6)
          }
        }
      }),
    )
  })
})
