/**
 * The issuer as a browser's way in: OpenID Connect's code flow with PKCE.
 *
 * Lifecycle: nothing is open; the issuer is asked when something is wanted of it.
 * Concurrency: any number of calls; a refresh token may be good for one use, so its owner
 * sees to it that nobody else uses it.
 * Failure: a `SignInFailure` says why; every call has a deadline.
 */
export interface SignInProvider {
  readonly issuer: string
  /** Where the browser is sent to. */
  begin(attempt: SignInAttempt): Promise<URL>
  /** What the code in `url`, which the browser was sent back to, is good for. */
  finish(attempt: SignInAttempt, url: URL): Promise<IssuedTokens>
  /** Null: the issuer does not let them go on. Rejects with `unavailable` when that cannot be told. */
  refresh(refreshToken: string): Promise<IssuedTokens | null>
  /** Tells the issuer that a refresh token is not needed any more. Best effort: never rejects. */
  revoke(refreshToken: string): Promise<void>
  /** Where the browser ends the issuer's own session; null where the issuer has no such place. */
  endSessionUrl(input: { idToken: string | null; returnTo: string }): Promise<string | null>
}

/** One try of one browser; all but `redirectUri` is random. */
export interface SignInAttempt {
  state: string
  nonce: string
  /** PKCE's (RFC 7636). */
  verifier: string
  /** Where the issuer sends the browser back to, as it knows it. */
  redirectUri: string
}

export interface IssuedTokens {
  accessToken: string
  /** Null: the access token cannot be renewed. */
  refreshToken: string | null
  idToken: string | null
}

/** Why nobody was signed in: somebody said no, the answer is not to be believed, there was none. */
export class SignInFailure extends Error {
  override readonly name = 'SignInFailure'
  readonly reason: 'denied' | 'failed' | 'unavailable'

  constructor(reason: SignInFailure['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Says which job of GitHub Actions an ID token is of. Null and rejections are as those of `Identity`. */
export interface GithubActionsTokens {
  readonly issuer: string
  /** What tokens have to be made out to. */
  readonly audience: string
  verify(token: string): Promise<GithubActionsJob | null>
}

/** A job of GitHub Actions, as GitHub vouches for it. */
export interface GithubActionsJob {
  /** Unique to the ID token. */
  tokenId: string
  /** owner/name */
  repository: string
  /** `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/merge`. */
  ref: string
  /** Null: the job names no environment. */
  environment: string | null
  /** `push`, `pull_request_target` … */
  event: string
  runId: string
  runAttempt: string
}
