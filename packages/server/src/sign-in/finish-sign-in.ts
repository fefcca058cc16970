import type { SignInError } from '@slipway/contract/sign-in'
import type { Log } from '../db/log.ts'
import { AppError } from '../errors.ts'
import { type IssuedTokens, SignInFailure, type SignInProvider } from '../ports/sign-in.ts'
import type { Vault } from '../secrets/index.ts'
import { attemptRecord, type KeptAttempt, requireProvider, signInMs } from './begin-sign-in.ts'
import type { BegunSession, Sessions } from './open-sessions.ts'

export interface FinishSignInDeps {
  provider: SignInProvider | null
  vault: Pick<Vault, 'open'>
  sessions: Sessions
  log: Log
}

/** `returnTo` is null where it is not known where the browser came from. */
export type FinishedSignIn =
  | { returnTo: string; session: BegunSession }
  | { returnTo: string | null; error: SignInError }

/**
 * Takes what a browser brings back from the issuer. It counts only in the browser that the sign-in was
 * begun in, which has the cookie, so that nobody can be signed in as somebody else by a link.
 */
export async function finishSignIn(
  deps: FinishSignInDeps,
  input: {
    cookie: string | null
    state: string
    /** As the browser asked for it, without its question mark. */
    query: string
  },
): Promise<FinishedSignIn> {
  const provider = requireProvider(deps.provider)
  const attempt = input.cookie === null ? null : openAttempt(deps, input.cookie, input.state)
  if (attempt === null) return { returnTo: null, error: 'expired' }
  const { returnTo } = attempt
  if (Date.now() - attempt.begunAt > signInMs) return { returnTo, error: 'expired' }
  const url = new URL(attempt.redirectUri)
  url.search = input.query
  let tokens: IssuedTokens
  let session: BegunSession | null
  try {
    tokens = await provider.finish(attempt, url)
  } catch (error) {
    const reason = error instanceof SignInFailure ? error.reason : 'failed'
    if (reason !== 'denied') deps.log.warn({ err: error }, 'Somebody could not be signed in')
    return { returnTo, error: reason }
  }
  try {
    session = await deps.sessions.begin('oidc', tokens)
  } catch (error) {
    deps.log.warn({ err: error }, 'An access token could not be checked')
    return { returnTo, error: 'unavailable' }
  }
  if (session !== null) return { returnTo, session }
  deps.log.warn(
    { issuer: provider.issuer },
    'The issuer’s access token for a browser is not made out to OIDC_AUDIENCE, or not valid',
  )
  return { returnTo, error: 'failed' }
}

/** Null: it is of another sign-in, or of nobody's. */
function openAttempt(
  { vault }: Pick<FinishSignInDeps, 'vault'>,
  cookie: string,
  state: string,
): KeptAttempt | null {
  try {
    return JSON.parse(
      vault.open(attemptRecord(state), Buffer.from(cookie, 'base64url')),
    ) as KeptAttempt
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}
