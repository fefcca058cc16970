import type { Principal } from '../ports/identity.ts'
import type { SignInProvider } from '../ports/sign-in.ts'
import type { Sessions } from './open-sessions.ts'

/** Milliseconds that the issuer may take to forget a refresh token. */
const revokeMs = 3_000

/**
 * Ends a session, at once here; the issuer is told that its refresh token is done with. Answers whose it
 * was, and where the browser ends the issuer's own session, if anywhere; null: there was none.
 */
export async function endSession(
  deps: { sessions: Sessions; provider: SignInProvider | null },
  input: { secret: string; returnTo: string },
): Promise<{ principal: Principal; url: string | null } | null> {
  const ended = await deps.sessions.end(input.secret)
  if (ended === null) return null
  const principal: Principal = {
    id: ended.principalId,
    name: ended.principalName,
    roles: [],
    repositories: [],
  }
  const { provider } = deps
  if (ended.method !== 'oidc' || provider === null) return { principal, url: null }
  const { refreshToken, idToken } = ended.tokens
  if (refreshToken !== null) await within(revokeMs, provider.revoke(refreshToken))
  const url = await provider.endSessionUrl({ idToken, returnTo: input.returnTo })
  return { principal, url }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
