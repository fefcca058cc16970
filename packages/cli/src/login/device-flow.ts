import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Login } from '../settings/login-store.ts'
import { type Issuer, post } from './issuer.ts'
import { toLogin } from './to-login.ts'

/** What a person needs to let this device in (RFC 8628, 3.2). */
export interface DeviceCode {
  deviceCode: string
  userCode: string
  verificationUri: string
  /** With the code in it; undefined: the issuer has none. */
  completeUri: string | undefined
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** Milliseconds between two questions. */
  intervalMs: number
}

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
/** Milliseconds by which the issuer's `slow_down` makes the pause longer (RFC 8628, 3.5). */
const slowDownMs = 5_000

/** @throws CliError where the issuer has no device flow, or does not want this client in it */
export async function beginDeviceFlow(
  { issuer, deviceEndpoint }: Issuer,
  client: { clientId: string; scope: string },
  signal: AbortSignal,
): Promise<DeviceCode> {
  if (deviceEndpoint === undefined) {
    throw new CliError(
      `${issuer} has no device flow`,
      'Sign in with a token: slipway login --with-token',
    )
  }
  const form = { client_id: client.clientId, scope: client.scope }
  const answer = await post(deviceEndpoint, form, signal)
  if (!answer.ok) throw refused(answer.error, answer.description)
  const { device_code, user_code, verification_uri, verification_uri_complete } = answer.body
  const { expires_in: lasts, interval } = answer.body
  if (
    typeof device_code !== 'string' ||
    typeof user_code !== 'string' ||
    !isWebAddress(verification_uri)
  ) {
    throw new CliError('The issuer’s answer is not one of the device flow')
  }
  return {
    deviceCode: device_code,
    userCode: user_code,
    verificationUri: verification_uri,
    completeUri: isWebAddress(verification_uri_complete) ? verification_uri_complete : undefined,
    expiresAt: Date.now() + (typeof lasts === 'number' ? lasts : 600) * 1000,
    intervalMs: (typeof interval === 'number' && interval > 0 ? interval : 5) * 1000,
  }
}

/**
 * Waits until somebody has let the device in.
 *
 * @throws CliError where they say no, or the code is over
 */
export async function awaitDevice(
  issuer: Issuer,
  clientId: string,
  code: DeviceCode,
  signal: AbortSignal,
): Promise<Login> {
  let pauseMs = code.intervalMs
  const form = { grant_type: grantType, device_code: code.deviceCode, client_id: clientId }
  while (Date.now() < code.expiresAt) {
    await sleep(pauseMs, undefined, { signal })
    const answer = await post(issuer.tokenEndpoint, form, signal).catch((error: unknown) => {
      if (!(error instanceof CliError)) throw error
      // An issuer that is away may be back in time.
      pauseMs *= 2
      return null
    })
    if (answer === null) continue
    if (answer.ok) return toLogin(answer.body, { issuer: issuer.issuer, clientId })
    if (answer.error === 'slow_down') pauseMs += slowDownMs
    else if (answer.error !== 'authorization_pending') {
      throw refused(answer.error, answer.description)
    }
  }
  throw refused('expired_token', undefined)
}

function refused(error: string, description: string | undefined): CliError {
  const said: Record<string, string> = {
    access_denied: 'You, or the issuer, said no',
    expired_token: 'The code is over: nobody let this device in',
  }
  return new CliError(
    said[error] ?? `The issuer refused: ${description ?? error}`,
    'Begin anew: slipway login',
    exitCodes.refused,
  )
}

function isWebAddress(value: unknown): value is string {
  return (
    typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
  )
}
