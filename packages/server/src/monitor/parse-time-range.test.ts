import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import { parseTimeRange } from './parse-time-range.ts'

const hour = 3_600_000

describe('parseTimeRange', () => {
  it.each([
    ['7d', 7 * 24 * hour],
    ['24h', 24 * hour],
    ['2w', 14 * 24 * hour],
    ['30d', 30 * 24 * hour],
    ['1h', hour],
    ['365d', 365 * 24 * hour],
    ['8760h', 365 * 24 * hour],
    ['52w', 364 * 24 * hour],
  ])('reads %s', (text, ms) => {
    expect(parseTimeRange(text)).toBe(ms)
  })

  it.each([
    '',
    '0h',
    '366d',
    '53w',
    '8761h',
    '7',
    'd',
    '7D',
    '1.5d',
    '-1d',
    ' 7d',
    '7d ',
    '7m',
    '1y',
  ])('refuses %j', (text) => {
    expect(() => parseTimeRange(text)).toThrow(AppError)
  })

  it('answers within its bounds or refuses, whatever it is given', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9dhw. -]{0,8}$/), (text) => {
        try {
          const ms = parseTimeRange(text)
          expect(ms).toBeGreaterThanOrEqual(hour)
          expect(ms).toBeLessThanOrEqual(365 * 24 * hour)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        }
      }),
    )
  })
})
