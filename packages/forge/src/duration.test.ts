import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration, timeoutBounds } from './duration.ts'

test.each([
  ['30m', 1_800_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['90s', 90_000],
  ['1s500ms', 1_500],
  ['1000ms', 1_000],
  ['24h', 86_400_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '30', 'm', '30 m', '-5m', '30m1h', '1h1h', '1d', '1e3s', '١s', '30m\n'])(
  '%j is refused with a reason',
  (text) => {
    expect(() => parseDuration(text)).toThrow(/must be a duration such as 30m/)
  },
)

test.each(['0s', '999ms', '24h1ms', '999999999h'])('%s is out of bounds', (text) => {
  expect(() => parseDuration(text)).toThrow(/must be a duration from 1s to 24h/)
})

test('every duration within the bounds survives being written and read', () => {
  const inBounds = fc.integer({ min: timeoutBounds.minMs, max: timeoutBounds.maxMs })
  fc.assert(fc.property(inBounds, (ms) => parseDuration(formatDuration(ms)) === ms))
})

test('any text is either read as whole milliseconds in the bounds or refused with a RangeError', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9hms. ]{0,12}$/))
  fc.assert(
    fc.property(text, (input) => {
      try {
        const ms = parseDuration(input)
        expect(Number.isSafeInteger(ms)).toBe(true)
        expect(ms).toBeGreaterThanOrEqual(timeoutBounds.minMs)
        expect(ms).toBeLessThanOrEqual(timeoutBounds.maxMs)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})
