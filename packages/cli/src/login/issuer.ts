import { CliError } from '../cli-error.ts'
import { exitCodes } from '../exit-codes.ts'

/** Where an issuer does what a login needs. */
export interface Issuer {
  issuer: string
  tokenEndpoint: string
  /** Undefined: it has no device flow, or takes nothing back. */
  deviceEndpoint: string | undefined
  revocationEndpoint: string | undefined
}

/** An error of RFC 6749, 5.2: what the issuer has against a request. */
export interface IssuerRefusal {
  error: string
  description: string | undefined
}

type Answer = { ok: true; body: Record<string, unknown> } | ({ ok: false } & IssuerRefusal)

const timeoutMs = 15_000

/**
 * Reads the issuer's discovery document (OpenID Connect Discovery 1.0).
 *
 * @throws CliError where it does not answer, or is not what it was said to be
 */
export async function discover(issuer: string, signal: AbortSignal): Promise<Issuer> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await send(url, { headers: { accept: 'application/json' } }, signal)
  const found = response.ok ? await readObject(response) : {}
  if (found.issuer !== issuer) {
    throw new CliError(
      `What is at ${issuer} is not the issuer that the server named`,
      undefined,
      exitCodes.unreachable,
    )
  }
  const endpoint = (name: string) => {
    const value = found[name]
    return typeof value === 'string' && isUsable(value, issuer) ? value : undefined
  }
  const tokenEndpoint = endpoint('token_endpoint')
  if (tokenEndpoint === undefined) {
    throw new CliError(`${issuer} does not say where it gives out tokens`)
  }
  return {
    issuer,
    tokenEndpoint,
    deviceEndpoint: endpoint('device_authorization_endpoint'),
    revocationEndpoint: endpoint('revocation_endpoint'),
  }
}

/** What is sent to an issuer behind HTTPS goes nowhere without it. */
function isUsable(endpoint: string, issuer: string): boolean {
  if (!URL.canParse(endpoint)) return false
  const { protocol } = new URL(endpoint)
  return protocol === 'https:' || (protocol === 'http:' && issuer.startsWith('http:'))
}

/**
 * Posts a form to an endpoint.
 *
 * @throws CliError where there is no answer that can be understood
 */
export async function post(
  endpoint: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const init = {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams(form),
  }
  const response = await send(endpoint, init, signal)
  const body = await readObject(response)
  if (response.ok) return { ok: true, body }
  const { error, error_description: description } = body
  if (typeof error !== 'string' || response.status >= 500) {
    throw unreachable(endpoint, `it answered ${response.status}`)
  }
  return {
    ok: false,
    error,
    description: typeof description === 'string' ? description : undefined,
  }
}

async function send(url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  try {
    const deadline = AbortSignal.timeout(timeoutMs)
    return await fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.any([signal, deadline]),
    })
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable(url, error instanceof Error ? error.message : 'it did not answer')
  }
}

async function readObject(response: Response): Promise<Record<string, unknown>> {
  const content: unknown = await response.json().catch(() => null)
  return typeof content === 'object' && content !== null ? { ...content } : {}
}

function unreachable(url: string, why: string): CliError {
  return new CliError(
    `No answer from the issuer at ${new URL(url).origin}: ${why}`,
    undefined,
    exitCodes.unreachable,
  )
}
