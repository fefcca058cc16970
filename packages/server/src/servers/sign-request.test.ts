import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRequestSigner } from './sign-request.ts'

const signer = createRequestSigner(Buffer.alloc(32, 7))
const request = { method: 'GET', target: '/v1/servers/logs/stat?key=a', home: 'home-b' }
const now = Date.parse('2026-01-01T00:00:00Z')
const header = signer.sign(request, now)

describe('what one server asks of another', () => {
  it('is believed for a minute, whichever of their clocks goes first', () => {
    for (const ms of [0, 59_000, 60_000, -60_000]) {
      expect(signer.verify(header, request, now + ms)).toBe(true)
    }
    for (const ms of [60_001, -60_001, 3_600_000]) {
      expect(signer.verify(header, request, now + ms)).toBe(false)
    }
  })

  it('is believed for nothing else', () => {
    const others = [
      { ...request, method: 'DELETE' },
      { ...request, target: '/v1/servers/logs/stat?key=b' },
      { ...request, target: `${request.target}&` },
      { ...request, home: 'home-c' },
    ]
    for (const other of others) expect(signer.verify(header, other, now)).toBe(false)
    const stranger = createRequestSigner(Buffer.alloc(32, 8))
    expect(stranger.verify(header, request, now)).toBe(false)
  })

  it('is not believed where any character of it was changed', () => {
    fc.assert(
      fc.property(
        fc.nat(header.length - 1),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, by) => {
          const changed = header.slice(0, at) + by + header.slice(at + 1)
          expect(signer.verify(changed, request, now)).toBe(changed === header)
        },
      ),
    )
    for (const nothing of ['', 'Bearer x', 'Slipway-Server', `${header} `, `${header}A`]) {
      expect(signer.verify(nothing, request, now)).toBe(false)
    }
  })
})
