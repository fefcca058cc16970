import { AppError } from '../../../errors.ts'
import { type Challenge, parseChallenges } from './challenges.ts'
import { isLoopback } from './registry-address.ts'
import { passing } from './passing.ts'
import { readJson } from './read-body.ts'

/** What a registry may be told about whoever uses it. */
export interface RegistryCredential {
  username: string
  password: string
}

/**
 * Asked for whenever the registry wants a credential, so that a changed one is used at once. Null: there
 * is none, and the registry is used anonymously. May reject with an AppError.
 */
export type OpenCredential = () => Promise<RegistryCredential | null>

export interface Authorizer {
  /** The header to send at once; null while the registry has not asked for any. */
  known(access: Access): string | null
  /**
   * The header that a refusal with these challenges asks for. AppError `authorization_failed` when
   * there is none to be had.
   */
  learn(access: Access, challenges: string | null, signal: AbortSignal): Promise<string>
  /** What to say when what was learnt did not help. */
  refused(): AppError
}

export interface Access {
  /** As the registry names it, prefix included; null: the registry as such. */
  repository: string | null
  action: 'pull' | 'push'
}

/** Seconds that a token is good for where nobody says so (Distribution token specification). */
const defaultLifeSeconds = 60
/** Milliseconds before its end at which a token is not used any more. */
const marginMs = 10_000
const tokenDeadlineMs = 30_000
const maxTokenBytes = 256 * 1024

/**
 * Answers the challenges of one registry: Basic, and Bearer by the token server that it names. The
 * credential goes to the registry and to that server only, and never over plain HTTP beyond loopback
 * hosts and `plainHttp`.
 */
export function createAuthorizer(options: {
  /** For messages. */
  registry: string
  openCredential: OpenCredential
  /** Hosts (`host[:port]`) that plain HTTP is allowed for. */
  plainHttp: readonly string[]
}): Authorizer {
  const { registry, openCredential, plainHttp } = options
  /** Of the registry itself, once it has asked for it. */
  let basic: string | null = null
  let hasCredential = false
  const tokens = new Map<string, { header: string; until: number }>()
  const keyOf = ({ repository, action }: Access) => `${action} ${repository ?? ''}`

  const openBasic = async (): Promise<string | null> => {
    const credential = await openCredential()
    hasCredential = credential !== null
    if (credential === null) return null
    const { username, password } = credential
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }

  async function fetchToken(challenge: Challenge, access: Access, signal: AbortSignal) {
    const url = tokenUrl(challenge, access)
    if (url.protocol !== 'https:' && !isLoopback(url.hostname) && !plainHttp.includes(url.host)) {
      refuse(`sends to a token server without TLS, ${url.host}`)
    }
    const authorization = await openBasic()
    const response = await fetch(url, {
      headers: {
        accept: 'application/json',
        ...(authorization === null ? {} : { authorization }),
      },
      // Whoever it would lead to was not named by the registry.
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(tokenDeadlineMs)]),
    })
    const answer = await readJson(response, maxTokenBytes)
    if (passing.has(response.status)) throw new Error(`its token server answers ${response.status}`)
    if (!response.ok) refuse(`has a token server, ${url.host}, that answers ${response.status}`)
    const token = answer?.['token'] ?? answer?.['access_token']
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
      refuse(`has a token server, ${url.host}, that gives no token`)
    }
    const life = answer?.['expires_in']
    const seconds = typeof life === 'number' && life > 0 ? life : defaultLifeSeconds
    return { header: `Bearer ${token}`, until: performance.now() + seconds * 1000 - marginMs }
  }

  const refusal = (why: string) =>
    new AppError('authorization_failed', `The registry ${registry} ${why}`)

  function refuse(why: string): never {
    throw refusal(why)
  }

  return {
    refused: () =>
      refusal(
        hasCredential
          ? 'does not take the credential, or not for this'
          : 'does not let anybody in without a credential',
      ),

    known(access) {
      if (basic !== null) return basic
      const token = tokens.get(keyOf(access))
      return token !== undefined && token.until > performance.now() ? token.header : null
    },

    async learn(access, header, signal) {
      const challenges = parseChallenges(header ?? '')
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
      if (bearer !== undefined) {
        const token = await fetchToken(bearer, access, signal)
        tokens.set(keyOf(access), token)
        return token.header
      }
      if (!challenges.some(({ scheme }) => scheme === 'basic')) {
        refuse('refuses, and does not say which credential it wants')
      }
      basic = await openBasic()
      return basic ?? refuse('wants a credential, and none is configured for it')
    },
  }
}

/** What the registry asks for, with the right to push where that is needed too. */
function tokenUrl({ parameters }: Challenge, { repository, action }: Access): URL {
  const realm = parameters['realm'] ?? ''
  if (!URL.canParse(realm) || !/^https?:$/.test(new URL(realm).protocol)) {
    throw new AppError('unavailable', 'The registry names no token server that could be asked')
  }
  const url = new URL(realm)
  if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service'])
  const asked = /^repository:(.+):[a-z,*]+$/.exec(parameters['scope'] ?? '')?.[1]
  const name = asked ?? repository
  if (name !== null) {
    const actions = action === 'push' ? 'pull,push' : 'pull'
    url.searchParams.set('scope', `repository:${name}:${actions}`)
  }
  return url
}
