import { expect, it } from 'vitest'
import { formatDuration, formatSpan } from './format-time.ts'

it.each([
  [0, '0ms'],
  [999, '999ms'],
  [4249, '4.2s'],
  [59_949, '59.9s'],
  [59_999, '1m 00s'],
  [187_000, '3m 07s'],
  [7_500_000, '2h 05m'],
])('%i ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

it('counts to the end, else to now', () => {
  const started_at = '2026-01-01T00:00:00.000Z'
  const now = Date.parse('2026-01-01T00:00:05Z')
  expect(formatSpan({ started_at, completed_at: '2026-01-01T00:00:02.000Z' }, now)).toBe('2.0s')
  expect(formatSpan({ started_at, completed_at: null }, now)).toBe('5.0s')
  expect(formatSpan({ started_at: null, completed_at: null }, now)).toBe('')
})
