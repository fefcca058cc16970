import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPage } from './find-page.ts'

describe('findPage', () => {
  it('finds what counting row by row would', () => {
    const counts = fc.array(fc.nat(5), { maxLength: 20 })
    fc.assert(
      fc.property(counts, fc.nat(120), (given, offset) => {
        const days = given.map((count, index) => ({ day: 100 - index, count }))
        const rows = days.flatMap(({ day, count }) =>
          Array.from({ length: count }, (_, skip) => ({ day, skip })),
        )
        expect(findPage(days, offset)).toEqual({ total: rows.length, start: rows[offset] ?? null })
      }),
    )
  })
})
