import { CliError } from '../cli-error.ts'
import type { Login } from '../settings/login-store.ts'

/** Seconds that a token lasts whose issuer does not say (RFC 6749, 5.1 leaves it open). */
const usualSeconds = 300

/** @throws CliError where there is no token in the answer */
export function toLogin(
  body: Readonly<Record<string, unknown>>,
  of: { issuer: string; clientId: string; refreshToken?: string | null },
): Login {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: lasts } = body
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw new CliError('The issuer’s answer holds no access token')
  }
  return {
    kind: 'oidc',
    accessToken,
    refreshToken: typeof refreshToken === 'string' ? refreshToken : (of.refreshToken ?? null),
    expiresAt: Date.now() + (typeof lasts === 'number' ? lasts : usualSeconds) * 1000,
    issuer: of.issuer,
    clientId: of.clientId,
  }
}
