import { SlipwayError } from '@slipway/sdk'
import { CliError } from '../cli-error.ts'
import type { Login, LoginStore } from '../settings/login-store.ts'
import { discover, post } from './issuer.ts'
import { toLogin } from './to-login.ts'

/** Milliseconds before its end at which an access token is renewed. */
const aheadMs = 60_000

/**
 * The token of a login, for each request: an access token that is about to end is renewed, by one command
 * at a time, since a refresh token may be good for one use. Rejects with a `SlipwayError`, as a request
 * would.
 */
export function useLogin(
  store: LoginStore,
  url: string,
  login: Login,
  signal: AbortSignal,
): () => Promise<string> {
  let known = login
  let renewing: Promise<Login> | null = null
  return async () => {
    if (isGood(known)) return tokenOf(known)
    renewing ??= renew(store, url, signal).finally(() => void (renewing = null))
    known = await renewing
    return tokenOf(known)
  }
}

function isGood(login: Login): boolean {
  return login.kind === 'token' || login.expiresAt - Date.now() > aheadMs
}

function tokenOf(login: Login): string {
  return login.kind === 'token' ? login.token : login.accessToken
}

async function renew(store: LoginStore, url: string, signal: AbortSignal): Promise<Login> {
  try {
    const renewed = await store.update(url, async (current) => {
      if (current === undefined || current.kind === 'token' || isGood(current)) return current
      if (current.refreshToken === null) return isOver(current) ? undefined : current
      return refresh(current, current.refreshToken, signal)
    })
    if (renewed !== undefined) return renewed
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const current = await store.find(url)
    if (current !== undefined && !isOver(current)) return current
    throw new SlipwayError({
      status: 0,
      code: 'network_error',
      message: error.message,
      cause: error,
    })
  }
  throw new SlipwayError({
    status: 401,
    code: 'authentication_failed',
    message: 'Your login has ended',
  })
}

function isOver(login: Login): boolean {
  return login.kind === 'oidc' && login.expiresAt <= Date.now()
}

/** Undefined: the issuer does not let it go on. */
async function refresh(
  login: Extract<Login, { kind: 'oidc' }>,
  refreshToken: string,
  signal: AbortSignal,
): Promise<Login | undefined> {
  const { tokenEndpoint } = await discover(login.issuer, signal)
  const form = {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: login.clientId,
  }
  const answer = await post(tokenEndpoint, form, signal)
  if (answer.ok) return toLogin(answer.body, { ...login, refreshToken })
  if (answer.error === 'invalid_grant') return undefined
  throw new CliError(`The issuer renews no login: ${answer.description ?? answer.error}`)
}
