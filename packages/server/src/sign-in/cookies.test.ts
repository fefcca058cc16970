import { describe, expect, it } from 'vitest'
import { csrfTokenOf, isCsrfToken, isSecure, readCookie, writeCookie } from './cookies.ts'

describe('a cookie', () => {
  it('is bound to its host over HTTPS', () => {
    expect(writeCookie('session', 'abc', { isSecure: true, maxAgeMs: 60_000 })).toBe(
      '__Host-slipway-session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure',
    )
  })

  it('is a plain one over HTTP', () => {
    expect(writeCookie('session', 'abc', { isSecure: false, maxAgeMs: 60_000 })).toBe(
      'slipway-session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax',
    )
  })

  it('is taken away by an empty value', () => {
    expect(writeCookie('sign-in', '', { isSecure: false, maxAgeMs: 60_000 })).toContain('Max-Age=0')
  })

  it('is read among others', () => {
    const header = 'a=1; slipway-session=plain;__Host-slipway-session=own; b'
    expect(readCookie(header, 'session', true)).toBe('own')
    expect(readCookie(header, 'session', false)).toBe('plain')
    expect(readCookie(header, 'sign-in', false)).toBeNull()
    expect(readCookie(undefined, 'session', false)).toBeNull()
  })

  it('is never taken over HTTPS from a neighbouring host', () => {
    expect(readCookie('slipway-session=planted', 'session', true)).toBeNull()
  })
})

describe('isSecure', () => {
  const publicUrl = 'https://slipway.example.com'
  it.each([
    [{ host: 'slipway.example.com', protocol: 'http' }, publicUrl, true],
    [{ host: 'Slipway.Example.com' }, publicUrl, true],
    [{ host: '127.0.0.1:3000', protocol: 'http' }, publicUrl, false],
    [{ host: '10.0.0.7', protocol: 'https' }, null, true],
    [{ host: '10.0.0.7' }, null, false],
    [{ host: 'slipway.lan:3000', protocol: 'https' }, 'http://slipway.lan:3000', false],
  ])('of %o at %s is %s', (asked, url, secure) => {
    expect(isSecure(asked, url)).toBe(secure)
  })
})

it('a CSRF token is of one session', () => {
  const token = csrfTokenOf('one')
  expect(isCsrfToken('one', token)).toBe(true)
  expect(isCsrfToken('other', token)).toBe(false)
  expect(isCsrfToken('one', '')).toBe(false)
  expect(token).not.toContain('one')
})
