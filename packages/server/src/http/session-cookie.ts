import type { FastifyRequest } from 'fastify'
import { isOwnOrigin } from '../access/index.ts'
import { AppError } from '../errors.ts'
import { isCsrfToken, isSecure, readCookie, type Sessions } from '../sign-in/index.ts'

/** What makes sessions of cookies. */
export interface CookieDeps {
  sessions: Sessions
  /** Whose pages may use them, besides those of the address that was asked; null: nobody's. */
  publicUrl: string | null
}

/** The secret in a request's session cookie, or null. */
export function sessionSecretOf(
  { headers, protocol, host }: FastifyRequest,
  { publicUrl }: Pick<CookieDeps, 'publicUrl'>,
): string | null {
  return readCookie(headers.cookie, 'session', isSecure({ protocol, host }, publicUrl))
}

/** Why the page of a server may be taken for another site's. */
export const byName = 'a server that is reached by a name needs it in SLIPWAY_PUBLIC_URL'

const readingMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses a change that the page of another site may have made a browser send with our cookie: a page of
 * ours knows the session's CSRF token, and says where it is from.
 */
export function requireOwnPage(
  request: FastifyRequest,
  { publicUrl }: Pick<CookieDeps, 'publicUrl'>,
  secret: string,
): void {
  if (readingMethods.has(request.method)) return
  const { origin, 'x-csrf-token': given } = request.headers
  if (!isOwnOrigin({ origin, host: request.host }, publicUrl)) {
    throw new AppError(
      'authorization_failed',
      `Pages of other sites may not change anything; ${byName}`,
      { reason: 'origin' },
    )
  }
  if (typeof given === 'string' && isCsrfToken(secret, given)) return
  throw new AppError(
    'authorization_failed',
    'A change with a session cookie needs its csrf_token in X-CSRF-Token',
    { reason: 'csrf' },
  )
}
