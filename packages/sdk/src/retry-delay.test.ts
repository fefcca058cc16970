import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoff, defaultRetryPolicy, parseRetryAfter, retryDelay } from './retry-delay.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const delay = (failed: { method: string; status: number; retryAfter?: string; made?: number }) =>
  retryDelay({ made: 0, ...failed }, defaultRetryPolicy, now, () => 0.5)

describe('retryDelay', () => {
  it.each([
    ['GET', 0],
    ['PUT', 502],
    ['DELETE', 504],
    ['POST', 503],
  ])('tries %s again after %i', (method, status) => {
    expect(delay({ method, status })).toBe(150)
  })

  it.each([
    ['POST', 0],
    ['POST', 504],
    ['GET', 500],
    ['GET', 404],
    ['GET', 409],
    ['GET', 429],
  ])('does not try %s again after %i', (method, status) => {
    expect(delay({ method, status })).toBeNull()
  })

  it('waits as long as the server asks, in seconds or until a date', () => {
    expect(delay({ method: 'POST', status: 429, retryAfter: '7' })).toBe(7000)
    const retryAfter = 'Thu, 01 Jan 2026 00:00:05 GMT'
    expect(delay({ method: 'GET', status: 503, retryAfter })).toBe(5000)
  })

  it('does not wait longer than the policy allows', () => {
    expect(delay({ method: 'GET', status: 429, retryAfter: '3600' })).toBeNull()
  })

  it('stops after the retries', () => {
    expect(delay({ method: 'GET', status: 0, made: 2 })).not.toBeNull()
    expect(delay({ method: 'GET', status: 0, made: 3 })).toBeNull()
  })
})

describe('backoff', () => {
  it('doubles to its ceiling, within the upper half', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (made, random) => {
        const ceiling = Math.min(30_000, 200 * 2 ** Math.min(made, 30))
        const ms = backoff(made, defaultRetryPolicy, () => random)
        expect(ms).toBeGreaterThanOrEqual(ceiling / 2)
        expect(ms).toBeLessThanOrEqual(ceiling)
      }),
    )
  })
})

describe('parseRetryAfter', () => {
  it('knows no other forms', () => {
    expect(parseRetryAfter('soon', now)).toBeNull()
    expect(parseRetryAfter(null, now)).toBeNull()
    expect(parseRetryAfter('Thu, 01 Jan 2020 00:00:05 GMT', now)).toBe(0)
  })
})
