import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveLogLinkKey, type LogLink, signLogLink, verifyLogLink } from './signed-link.ts'

const key = deriveLogLinkKey(Buffer.alloc(32, 7))
const expires = 1_800_000_000
const stepId = '0198c0de-0000-7000-8000-000000000001'

function linkFrom(query: string): LogLink {
  const { expires, signature } = Object.fromEntries(new URLSearchParams(query))
  return { expires: expires!, signature: signature! }
}

const link = linkFrom(signLogLink(key, { stepId, expires }))

describe('a signed link to a log', () => {
  it('is valid for its step until it expires', () => {
    expect(verifyLogLink(key, { stepId, link, now: expires - 900 })).toBe('valid')
    expect(verifyLogLink(key, { stepId, link, now: expires })).toBe('valid')
    expect(verifyLogLink(key, { stepId, link, now: expires + 1 })).toBe('expired')
  })

  it('needs no escaping in a query', () => {
    expect(signLogLink(key, { stepId, expires })).toMatch(
      /^\?expires=1800000000&signature=[\w-]{43}$/,
    )
  })

  it('is good for nothing else', () => {
    const verify = (change: Partial<LogLink>, step = stepId, by = key) =>
      verifyLogLink(by, { stepId: step, link: { ...link, ...change }, now: 0 })
    const flipped = (link.signature.startsWith('A') ? 'B' : 'A') + link.signature.slice(1)
    expect(verify({ expires: String(expires + 1) })).toBe('invalid')
    expect(verify({ expires: `${expires}.0` })).toBe('invalid')
    expect(verify({ expires: `0${expires}` })).toBe('invalid')
    expect(verify({ expires: '' })).toBe('invalid')
    expect(verify({ signature: flipped })).toBe('invalid')
    expect(verify({ signature: link.signature.slice(0, -1) })).toBe('invalid')
    expect(verify({ signature: '' })).toBe('invalid')
    expect(verify({}, stepId.replace('1', '2'))).toBe('invalid')
    expect(verify({}, stepId, deriveLogLinkKey(randomBytes(32)))).toBe('invalid')
    expect(verify({}, stepId, Buffer.alloc(32, 7))).toBe('invalid')
  })

  it('holds for every step and moment', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 4e9 }), fc.nat(4e9), (id, until, now) => {
        const signed = linkFrom(signLogLink(key, { stepId: id, expires: until }))
        const verdict = verifyLogLink(key, { stepId: id, link: signed, now })
        expect(verdict).toBe(now <= until ? 'valid' : 'expired')
      }),
    )
  })
})
