import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMoment } from './parse-moment.ts'

describe('parseMoment', () => {
  it.each([
    ['2025-06-19', '2025-06-19T00:00:00.000Z'],
    ['2025-06-19T10:00:00Z', '2025-06-19T10:00:00.000Z'],
    ['2025-06-19T10:00', '2025-06-19T10:00:00.000Z'],
    ['2025-06-19T10:00:00.123', '2025-06-19T10:00:00.123Z'],
    ['2025-06-19T10:00:00+02:00', '2025-06-19T08:00:00.000Z'],
    ['2025-06-19T10:00:00-0230', '2025-06-19T12:30:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('takes %s', (text, at) => {
    expect(new Date(parseMoment(text) ?? Number.NaN).toISOString()).toBe(at)
  })

  it.each([
    'yesterday',
    '',
    '2025',
    '2025-06',
    '2025-13-01',
    '2025-02-29',
    '2025-06-31',
    '2025-06-19T25:00:00Z',
    '2025-06-19 10:00',
    '1750327200',
    '2025-06-19T10:00:00Z; drop',
  ])('refuses %s', (text) => {
    expect(parseMoment(text)).toBeNull()
  })

  it('reads what Date writes', () => {
    const range = { min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(range), (date) => {
        expect(parseMoment(date.toISOString())).toBe(date.getTime())
      }),
    )
  })
})
