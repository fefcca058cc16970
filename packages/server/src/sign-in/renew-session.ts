import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { Identity } from '../ports/identity.ts'
import type { IssuedTokens, SignInProvider } from '../ports/sign-in.ts'
import {
  claimRenewal,
  deleteSession,
  endClaim,
  findSession,
  type SessionStore,
  type StoredSession,
} from './session-rows.ts'

export interface RenewDeps extends SessionStore {
  identity: Identity
  provider: SignInProvider
}

/** Milliseconds to wait for another server that is renewing the session, and between two looks. */
const patienceMs = 15_000
const lookMs = 100

/**
 * Has the issuer renew a session's tokens, and answers the session with them: as they are now, if somebody
 * else was faster. Null: the issuer does not let it go on, and it has ended. One server at a time asks, for
 * a refresh token may be good for one use. Rejects where it cannot be told.
 */
export async function renewSession(
  deps: RenewDeps,
  session: StoredSession,
): Promise<StoredSession | null> {
  const isOther = (found: StoredSession) => found.tokens.accessToken !== session.tokens.accessToken
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    const claimed = await claimRenewal(deps, session.id)
    if (claimed !== null) {
      if (!isOther(claimed)) return askIssuer(deps, claimed)
      await endClaim(deps, session.id)
      return claimed
    }
    const found = await findSession(deps, { id: session.id })
    if (found === null || isOther(found)) return found
    await sleep(lookMs)
  }
  throw new AppError('unavailable', 'Another server did not renew the session in time')
}

async function askIssuer(deps: RenewDeps, session: StoredSession): Promise<StoredSession | null> {
  const { refreshToken } = session.tokens
  let issued: IssuedTokens | null
  try {
    issued = refreshToken === null ? null : await deps.provider.refresh(refreshToken)
  } catch (error) {
    await endClaim(deps, session.id)
    throw error
  }
  if (issued === null) {
    await deleteSession(deps, session.id)
    return null
  }
  const tokens: IssuedTokens = {
    accessToken: issued.accessToken,
    // What the issuer leaves out stays as it was (RFC 6749, 6).
    refreshToken: issued.refreshToken ?? refreshToken,
    idToken: issued.idToken ?? session.tokens.idToken,
  }
  // Stored before anything can fail: the old refresh token may be spent.
  await endClaim(deps, session.id, { tokens, bearerExpiresAt: Date.now() })
  const principal = await deps.identity.authenticate(tokens.accessToken)
  if (principal === null || principal.id !== session.principalId) {
    await deleteSession(deps, session.id)
    return null
  }
  const bearerExpiresAt = principal.expiresAt ?? null
  await endClaim(deps, session.id, { tokens, bearerExpiresAt })
  return { ...session, tokens, bearerExpiresAt }
}
