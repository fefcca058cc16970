import { createHmac, timingSafeEqual } from 'node:crypto'

/** What we keep in a browser: a session's secret, and a sign-in that is under way. */
export type CookieKind = 'session' | 'sign-in'

/**
 * Behind HTTPS a cookie has the prefix with which browsers take it only from this very host, over TLS
 * (RFC 6265bis, 4.1.3.2): no neighbouring host can plant one.
 */
function nameOf(kind: CookieKind, isSecure: boolean): string {
  return isSecure ? `__Host-slipway-${kind}` : `slipway-${kind}`
}

/** The scheme and host that a browser used, as far as is known. */
export interface Asked {
  /** `http`, `https`; undefined: only the host is known. */
  protocol?: string
  host: string
}

/** Whether a browser that asked so speaks HTTPS to us, or to the proxy in front of us. */
export function isSecure(asked: Asked, publicUrl: string | null): boolean {
  if (publicUrl !== null && new URL(publicUrl).host === asked.host.toLowerCase()) {
    return publicUrl.startsWith('https:')
  }
  return asked.protocol === 'https'
}

/** The value of our cookie in a `Cookie` header; null where it is not there. */
export function readCookie(
  header: string | undefined,
  kind: CookieKind,
  secure: boolean,
): string | null {
  const name = nameOf(kind, secure)
  for (const pair of header?.split(';') ?? []) {
    const [key = '', value = ''] = pair.split('=', 2)
    if (key.trim() === name) return value.trim() || null
  }
  return null
}

/** A `Set-Cookie` header; an empty value takes the cookie away. */
export function writeCookie(
  kind: CookieKind,
  value: string,
  options: { isSecure: boolean; maxAgeMs: number },
): string {
  const seconds = value === '' ? 0 : Math.max(0, Math.floor(options.maxAgeMs / 1000))
  const attributes = [
    `${nameOf(kind, options.isSecure)}=${value}`,
    'Path=/',
    `Max-Age=${seconds}`,
    'HttpOnly',
    'SameSite=Lax',
    ...(options.isSecure ? ['Secure'] : []),
  ]
  return attributes.join('; ')
}

/** What a page of ours proves with that it could read `GET /v1/session`; it follows from the session's secret. */
export function csrfTokenOf(sessionSecret: string): string {
  return createHmac('sha256', sessionSecret).update('csrf').digest('base64url')
}

export function isCsrfToken(sessionSecret: string, given: string): boolean {
  const expected = Buffer.from(csrfTokenOf(sessionSecret))
  const actual = Buffer.from(given)
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
