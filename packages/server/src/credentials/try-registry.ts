import { AppError } from '../errors.ts'
import type { RegistryLogin } from './registry-login.ts'

/** Milliseconds that a registry has for each answer. */
const timeoutMs = 20_000

/**
 * Logs in to a registry as clients of the OCI Distribution Specification do: with what `/v2/` asks for,
 * Basic or a token from its token service. An `unavailable` says why that did not work.
 */
export async function tryRegistry(registryUrl: string, login: RegistryLogin): Promise<void> {
  const base = new URL(registryUrl)
  const root = new URL('/v2/', base)
  const first = await ask(root, null)
  if (first.status === 200) throw refusal(base, 'it asks for no login, so this cannot be tried')
  const challenge = first.headers.get('www-authenticate') ?? ''
  if (first.status !== 401) throw refusal(base, `it answers ${first.status}`)
  const basic = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
  if (/^basic\b/i.test(challenge)) {
    const { status } = await ask(root, basic)
    if (status !== 200) throw refusal(base, `it answers ${status} to the login`)
    return
  }
  const realm = /^bearer\b.*\brealm="([^"]+)"/i.exec(challenge)?.[1]
  const service = /\bservice="([^"]*)"/i.exec(challenge)?.[1]
  if (realm === undefined || !URL.canParse(realm)) {
    throw refusal(base, 'it does not say how to log in')
  }
  const url = new URL(realm)
  if (!isAsSafe(url, base)) throw refusal(base, `its token service ${url.origin} is not encrypted`)
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.set('account', login.username)
  const { status } = await ask(url, basic)
  if (status !== 200) throw refusal(base, `its token service answers ${status} to the login`)
}

async function ask(url: URL, authorization: string | null) {
  try {
    const { status, headers, body } = await fetch(url, {
      headers: authorization === null ? {} : { authorization },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    await body?.cancel()
    return { status, headers }
  } catch {
    throw refusal(url, 'there is no answer')
  }
}

/** A password that was to be encrypted is not sent as it is. */
function isAsSafe(realm: URL, registry: URL): boolean {
  return realm.protocol === 'https:' || registry.protocol === 'http:'
}

function refusal(url: URL, why: string): AppError {
  return new AppError('unavailable', `${url.origin}: ${why}`)
}
