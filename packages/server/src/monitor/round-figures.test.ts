import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { medianOf, percentOf, roundTo, secondsBetween } from './round-figures.ts'

describe('percentOf', () => {
  it.each([
    [85, 100, 85],
    [1, 3, 33.33],
    [2, 3, 66.67],
    [0, 0, 0],
    [0, 7, 0],
    [7, 7, 100],
  ])('%d of %d is %d', (part, whole, percent) => {
    expect(percentOf(part, whole)).toBe(percent)
  })

  it('has at most two decimals and lies between 0 and 100', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), (part, more) => {
        const percent = percentOf(part, part + more)
        expect(percent).toBeGreaterThanOrEqual(0)
        expect(percent).toBeLessThanOrEqual(100)
        expect(String(percent)).toMatch(/^\d+(\.\d{1,2})?$/)
      }),
    )
  })
})

describe('roundTo', () => {
  it('rounds to the nearest', () => {
    expect([roundTo(0, 2.5), roundTo(2, 0.004), roundTo(2, 1.256)]).toEqual([3, 0, 1.26])
  })
})

describe('secondsBetween', () => {
  it('counts whole seconds, none where time went back', () => {
    expect(secondsBetween(new Date(0), new Date(1999))).toBe(1)
    expect(secondsBetween(5000, 1000)).toBe(0)
  })
})

describe('medianOf', () => {
  it.each([
    [[], null],
    [[4], 4],
    [[10, 2], 6],
    [[9, 1, 5], 5],
  ])('of %j is %j', (figures, median) => {
    expect(medianOf(figures)).toBe(median)
  })
})
