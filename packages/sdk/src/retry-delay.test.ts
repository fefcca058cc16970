import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  backoff,
  defaultRetryPolicy,
  type FailedTry,
  parseRetryAfter,
  reconnectDelay,
  retryDelay,
} from './retry-delay.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const delay = (failed: Omit<FailedTry, 'made'> & { made?: number }) =>
  retryDelay({ made: 0, ...failed }, defaultRetryPolicy, now, () => 0.5)

const methods = fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'PATCH')
const statuses = fc.constantFrom(0, 400, 401, 404, 409, 429, 500, 501, 502, 503, 504)
const retryAfters = fc.option(
  fc.oneof(
    fc.nat(100).map(String),
    fc.nat(100_000).map((ms) => new Date(now + ms).toUTCString()),
    fc.constant('soon'),
  ),
)
const failures: fc.Arbitrary<FailedTry> = fc.record({
  method: methods,
  status: statuses,
  retryAfter: retryAfters,
  made: fc.nat(5),
  isRepeatable: fc.boolean(),
  elapsedMs: fc.nat(200_000),
})
const policies = fc.record({
  retries: fc.nat(5),
  baseDelayMs: fc.nat(2_000),
  maxDelayMs: fc.nat(60_000),
  deadlineMs: fc.nat(200_000),
})
const randoms = fc.double({ min: 0, max: 1, noNaN: true })

describe('reconnectDelay', () => {
  it('grows up to five seconds, and is what the server asks for where that is longer', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(30), (made, seconds) => {
        const usual = reconnectDelay({ made }, defaultRetryPolicy, now) ?? Number.NaN
        expect(usual).toBeGreaterThanOrEqual(Math.min(5_000, 200 * 2 ** made) / 2)
        expect(usual).toBeLessThanOrEqual(5_000)
        const failed = { made, retryAfter: String(seconds) }
        const asked = reconnectDelay(failed, defaultRetryPolicy, now) ?? Number.NaN
        expect(asked).toBeGreaterThanOrEqual(seconds * 1_000)
        expect(asked).toBeLessThanOrEqual(Math.max(5_000, seconds * 1_000))
      }),
    )
    expect(reconnectDelay({ made: 0, retryAfter: '31' }, defaultRetryPolicy, now)).toBeNull()
  })
})

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
    ['PATCH', 0],
    ['PATCH', 502],
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

  it('tries again what is said to be repeatable, and not after the answer of a proxy', () => {
    expect(delay({ method: 'POST', status: 0, isRepeatable: true })).toBe(150)
    expect(delay({ method: 'POST', status: 502, isRepeatable: true })).toBe(150)
    expect(delay({ method: 'POST', status: 500, isRepeatable: true })).toBeNull()
  })

  it('stops at the deadline', () => {
    expect(delay({ method: 'GET', status: 0, elapsedMs: 119_850 })).toBe(150)
    expect(delay({ method: 'GET', status: 0, elapsedMs: 119_851 })).toBeNull()
  })

  it('never waits longer than the policy, nor past its deadline, nor shorter than it is asked to', () => {
    fc.assert(
      fc.property(failures, policies, randoms, (failed, policy, random) => {
        const ms = retryDelay(failed, policy, now, () => random)
        if (ms === null) return
        expect(failed.made).toBeLessThan(policy.retries)
        expect(ms).toBeGreaterThanOrEqual(parseRetryAfter(failed.retryAfter ?? null, now) ?? 0)
        expect(ms).toBeLessThanOrEqual(policy.maxDelayMs)
        expect(ms + (failed.elapsedMs ?? 0)).toBeLessThanOrEqual(policy.deadlineMs)
      }),
    )
  })

  it('sends nothing twice that may have been done, and gives an answer that will not change as it is', () => {
    fc.assert(
      fc.property(failures, policies, randoms, (failed, policy, random) => {
        const { method, status, isRepeatable } = failed
        const ms = retryDelay(failed, policy, now, () => random)
        if (![0, 429, 502, 503, 504].includes(status)) expect(ms).toBeNull()
        const mayBeDone = ![429, 503].includes(status)
        if (mayBeDone && !isRepeatable && ['POST', 'PATCH'].includes(method)) expect(ms).toBeNull()
      }),
    )
  })

  it('waits, over all tries, no longer than the deadline', () => {
    fc.assert(
      fc.property(policies, retryAfters, randoms, (policy, retryAfter, random) => {
        let elapsedMs = 0
        for (let made = 0; made <= policy.retries; made += 1) {
          const failed = { method: 'GET', status: 503, retryAfter, made, elapsedMs }
          const ms = retryDelay(failed, policy, now, () => random)
          if (ms === null) break
          elapsedMs += ms
        }
        expect(elapsedMs).toBeLessThanOrEqual(policy.deadlineMs)
      }),
    )
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
