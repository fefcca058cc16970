import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathOf, redactUrl } from './redact-url.ts'

describe('redactUrl', () => {
  it('takes out credentials and leaves the rest', () => {
    expect(redactUrl('/v1/events?types=a&ticket=T&after=3')).toBe(
      '/v1/events?types=a&ticket=[redacted]&after=3',
    )
    expect(redactUrl('/v1/steps/x/logs?expires=1&SIGNATURE=S')).toBe(
      '/v1/steps/x/logs?expires=1&SIGNATURE=[redacted]',
    )
    expect(redactUrl('/v1/runs?repository=a/b')).toBe('/v1/runs?repository=a/b')
    expect(redactUrl('/ticket=x')).toBe('/ticket=x')
  })

  it('lets no ticket or signature through, wherever they stand', () => {
    const pair = fc.tuple(
      fc.constantFrom('ticket', 'signature', 'after', 'x'),
      fc.constantFrom('SECRET', ''),
    )
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const query = pairs
          .map(([key, value]) => `${key}=${key.length > 5 ? value : 'open'}`)
          .join('&')
        expect(redactUrl(`/p?${query}`)).not.toContain('SECRET')
      }),
    )
  })
})

describe('pathOf', () => {
  it('cuts the query off', () => {
    expect(['/a?b=c?d', '/a', '?'].map(pathOf)).toEqual(['/a', '/a', ''])
  })
})
