import { newTicketSecret } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { SignInAttempt, SignInProvider } from '../ports/sign-in.ts'
import type { SealedRecord, Vault } from '../secrets/index.ts'
import { returnPath } from './return-path.ts'

/** Milliseconds that somebody may take at the issuer. */
export const signInMs = 600_000

/** What a browser keeps, sealed, while somebody signs in. */
export interface KeptAttempt extends SignInAttempt {
  returnTo: string
  /** Milliseconds since the epoch. */
  begunAt: number
}

/** Sealed for its `state`: it opens only together with the answer that names it. */
export function attemptRecord(state: string): SealedRecord {
  return { purpose: 'sign-in', id: state, label: 'The sign-in' }
}

export interface BeginSignInDeps {
  provider: SignInProvider | null
  vault: Pick<Vault, 'seal'>
}

/**
 * Where to send a browser so that somebody signs in, and what it has to keep meanwhile in its cookie.
 * Nothing is stored here, so that strangers cannot fill the database. Refused are a `returnTo` that
 * leads elsewhere (`invalid_request`), and every one where no issuer is set up (`resource_not_found`).
 */
export async function beginSignIn(
  deps: BeginSignInDeps,
  input: { returnTo: string; redirectUri: string },
): Promise<{ url: string; cookie: string }> {
  const returnTo = returnPath(input.returnTo)
  if (returnTo === null) {
    throw new AppError('invalid_request', 'return_to must be a path of this server', {
      problems: [{ path: '/return_to', message: 'must be a path of this server' }],
    })
  }
  const provider = requireProvider(deps.provider)
  const attempt: KeptAttempt = {
    state: newTicketSecret(),
    nonce: newTicketSecret(),
    verifier: newTicketSecret(),
    redirectUri: input.redirectUri,
    returnTo,
    begunAt: Date.now(),
  }
  const url = await provider.begin(attempt)
  const sealed = deps.vault.seal(attemptRecord(attempt.state), JSON.stringify(attempt))
  return { url: url.href, cookie: sealed.toString('base64url') }
}

export function requireProvider(provider: SignInProvider | null): SignInProvider {
  if (provider !== null) return provider
  throw new AppError('resource_not_found', 'No issuer is set up here for browsers')
}
