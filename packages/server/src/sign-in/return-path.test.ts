import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { returnPath, withParameter } from './return-path.ts'

describe('returnPath', () => {
  it.each([
    ['/', '/'],
    ['/runs/7?tab=logs#end', '/runs/7?tab=logs#end'],
    ['/a/../b', '/b'],
    ['/?next=https://example.com', '/?next=https://example.com'],
  ])('takes %s', (text, path) => {
    expect(returnPath(text)).toBe(path)
  })

  it.each([
    '',
    'runs',
    'https://example.com/',
    '//example.com',
    '///example.com',
    '/\\example.com',
    '\\/example.com',
    '/.//example.com',
    '/x/..//example.com',
    '/%2e//example.com/..//x',
    '/\t/example.com',
    '/\n/example.com',
    ' /runs',
    '/runs x',
    'javascript:alert(1)',
    '/ü',
  ])('refuses %j', (text) => {
    expect(returnPath(text)).toBeNull()
  })

  it('never leads elsewhere, however a browser reads it', () => {
    const piece = fc.constantFrom('/', '\\', '.', '..', '//', '@', ':', 'a', '%2f', '?', '#', '\t')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const path = returnPath(pieces.join(''))
        if (path === null) return
        const at = new URL(path, 'https://slipway.example.com/v1/sign-in/callback')
        expect(at.origin).toBe('https://slipway.example.com')
        expect(returnPath(path)).toBe(path)
      }),
    )
  })
})

it('adds a parameter', () => {
  expect(withParameter('/runs?x=1#end', 'sign_in_error', 'denied')).toBe(
    '/runs?x=1&sign_in_error=denied#end',
  )
})
