import { CliError } from '../cli-error.ts'
import { discover, post } from './issuer.ts'

/** Tells the issuer that a refresh token is done with (RFC 7009). One that is away is not waited for. */
export async function revoke(
  issuer: string,
  clientId: string,
  refreshToken: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { revocationEndpoint } = await discover(issuer, signal)
    if (revocationEndpoint === undefined) return
    const form = { token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId }
    await post(revocationEndpoint, form, signal)
  } catch (error) {
    // It ends by itself in time.
    if (!(error instanceof CliError)) throw error
  }
}
