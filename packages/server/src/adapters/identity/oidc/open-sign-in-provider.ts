import { type JWTVerifyGetKey, jwtVerify } from 'jose'
import * as openid from 'openid-client'
import { type IssuedTokens, SignInFailure, type SignInProvider } from '../../../ports/sign-in.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { algorithms, clockToleranceSeconds } from './verify-jwt.ts'

export interface SignInProviderDeps {
  keys: Pick<IssuerKeys, 'find'>
}

export interface SignInProviderOptions {
  issuer: string
  clientId: string
  /** Null: a public client. */
  clientSecret: string | null
  /** What is asked for, separated by spaces; `openid` is among it. */
  scope: string
  allowHttp: boolean
  /** Seconds within which the issuer has to answer. Default 10. */
  timeoutSeconds?: number
}

/** Milliseconds after which the discovery document is read again. */
const configurationMs = 3_600_000

/** The code flow with PKCE at an OpenID issuer. */
export function openSignInProvider(
  deps: SignInProviderDeps,
  options: SignInProviderOptions,
): SignInProvider {
  const { issuer, clientId, clientSecret, scope, allowHttp, timeoutSeconds = 10 } = options
  let configured: { at: number; configuration: Promise<openid.Configuration> } | null = null

  function configure(): Promise<openid.Configuration> {
    if (configured !== null && performance.now() - configured.at < configurationMs) {
      return configured.configuration
    }
    const configuration = openid.discovery(
      new URL(issuer),
      clientId,
      // What Keycloak and all others take.
      { [openid.clockTolerance]: clockToleranceSeconds },
      clientSecret === null ? openid.None() : openid.ClientSecretBasic(clientSecret),
      {
        timeout: timeoutSeconds,
        // oxlint-disable-next-line typescript/no-deprecated -- only to stand out: OIDC_ALLOW_HTTP does
        execute: allowHttp ? [openid.allowInsecureRequests] : [],
      },
    )
    const entry = { at: performance.now(), configuration }
    configured = entry
    // What could not be read now may be the next time.
    configuration.catch(() => void (configured === entry && (configured = null)))
    return configuration
  }

  /** By our own keys, which are asked for again as soon as one is unknown. */
  async function verifyIdToken(idToken: string): Promise<void> {
    await jwtVerify(idToken, deps.keys.find as JWTVerifyGetKey, {
      issuer,
      audience: clientId,
      algorithms,
      clockTolerance: clockToleranceSeconds,
    })
  }

  return {
    issuer,
    async begin({ state, nonce, verifier, redirectUri }) {
      const configuration = await configure().catch(fail)
      return openid.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope,
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
    },
    async finish(attempt, url) {
      try {
        const answer = await openid.authorizationCodeGrant(await configure(), url, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.verifier,
          idTokenExpected: true,
        })
        const tokens = toTokens(answer)
        await verifyIdToken(tokens.idToken ?? '')
        return tokens
      } catch (error) {
        return fail(error)
      }
    },
    async refresh(refreshToken) {
      try {
        return toTokens(await openid.refreshTokenGrant(await configure(), refreshToken))
      } catch (error) {
        if (error instanceof openid.ResponseBodyError && error.error === 'invalid_grant')
          return null
        throw new SignInFailure('unavailable', 'The issuer could not renew a token', {
          cause: error,
        })
      }
    },
    async revoke(refreshToken) {
      try {
        const configuration = await configure()
        if (configuration.serverMetadata().revocation_endpoint === undefined) return
        await openid.tokenRevocation(configuration, refreshToken, {
          token_type_hint: 'refresh_token',
        })
      } catch {
        // It ends by itself in time.
      }
    },
    async endSessionUrl({ idToken, returnTo }) {
      const configuration = await configure().catch(() => null)
      if (configuration?.serverMetadata().end_session_endpoint === undefined) return null
      return openid.buildEndSessionUrl(configuration, {
        post_logout_redirect_uri: returnTo,
        ...(idToken === null ? {} : { id_token_hint: idToken }),
      }).href
    },
  }
}

function toTokens(answer: openid.TokenEndpointResponse): IssuedTokens {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? null,
    idToken: answer.id_token ?? null,
  }
}

/** What of openid-client's errors matters to whoever wanted to sign in. */
function fail(error: unknown): never {
  if (error instanceof openid.AuthorizationResponseError) {
    throw new SignInFailure(
      error.error === 'temporarily_unavailable' || error.error === 'server_error'
        ? 'unavailable'
        : 'denied',
      'The issuer let nobody in',
      { cause: error },
    )
  }
  throw new SignInFailure(
    isAway(error) ? 'unavailable' : 'failed',
    'The issuer’s answer is of no use',
    { cause: error },
  )
}

/** No answer, or one of a server that is not well; as far as errors tell, however deep. */
function isAway(error: unknown): boolean {
  for (
    let at: unknown = error, depth = 0;
    at instanceof Error && depth < 5;
    at = at.cause, depth++
  ) {
    if (at instanceof openid.ResponseBodyError) return at.status >= 500
    if (at.name === 'TimeoutError' || at.name === 'IssuerUnavailable') return true
    if (at instanceof TypeError && at.message === 'fetch failed') return true
    if (at.cause instanceof Response && at.cause.status >= 500) return true
  }
  return false
}
