import {
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from 'jose'
import type { Log } from '../../../db/log.ts'
import { fetchJson, IssuerUnavailable } from './fetch-json.ts'

export interface IssuerKeysOptions {
  /** As it is in tokens, to the letter. */
  issuer: string
  /** Whether keys may come by plain HTTP: whoever is on the way then can be anybody. */
  allowHttp: boolean
  /** Milliseconds between two questions to the issuer, whatever tokens name. Default 5,000. */
  cooldownMs?: number
  /** Milliseconds after which keys are asked for again, while those that are known serve on. Default 600,000. */
  maxAgeMs?: number
  /** Milliseconds within which the issuer has to answer. Default 5,000. */
  timeoutMs?: number
}

/** The public keys of an issuer, found by its discovery document. */
export interface IssuerKeys {
  /**
   * The key that signed a token. Rejects with jose's `JWKSNoMatchingKey` where the issuer has none such,
   * and with `IssuerUnavailable` where that cannot be told.
   */
  readonly find: (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>
  /** Whether a key that was found is still the issuer's, as far as we have heard. */
  has(kid: string | undefined): boolean
  /** Has keys asked for again if they are old, without waiting. */
  freshen(): void
  /** Has them asked for now, unless that is under way. */
  load(): Promise<void>
}

interface Known {
  lookUp: ReturnType<typeof createLocalJWKSet>
  kids: ReadonlySet<string | undefined>
  /** Monotonic. */
  loadedAt: number
}

/**
 * Keeps the keys of an issuer. One question at a time is under way, and none begins within the cool-down of
 * the one before, so tokens that name keys which do not exist cannot be used against the issuer. While it
 * is away, known keys serve on.
 */
export function openIssuerKeys(deps: { log: Log }, options: IssuerKeysOptions): IssuerKeys {
  const { issuer, allowHttp, cooldownMs = 5_000, maxAgeMs = 600_000, timeoutMs = 5_000 } = options
  let known: Known | null = null
  let loading: Promise<Known> | null = null
  let triedAt = Number.NEGATIVE_INFINITY
  let failure: unknown = null

  async function load(): Promise<Known> {
    const found = await fetchJson(discoveryUrl(issuer), timeoutMs)
    if (found['issuer'] !== issuer) {
      throw new IssuerUnavailable(
        `What is found at ${issuer} calls itself ${JSON.stringify(found['issuer'])}`,
      )
    }
    const { keys } = await fetchJson(keysUrl(found['jwks_uri'], allowHttp), timeoutMs)
    if (!Array.isArray(keys)) throw new IssuerUnavailable(`${issuer} has no list of keys`)
    const kids = new Set(keys.map((key: { kid?: string } | null) => key?.kid))
    return {
      lookUp: createLocalJWKSet({ keys }),
      kids,
      loadedAt: performance.now(),
    }
  }

  function reload(): Promise<Known> {
    if (loading !== null) return loading
    triedAt = performance.now()
    loading = load()
      .then((loaded) => {
        failure = null
        return (known = loaded)
      })
      .catch((error: unknown) => {
        failure = error
        deps.log.warn({ err: error, issuer }, 'The keys of the issuer could not be had')
        throw error instanceof IssuerUnavailable
          ? error
          : new IssuerUnavailable(`The keys of ${issuer} cannot be used`, { cause: error })
      })
      .finally(() => void (loading = null))
    return loading
  }

  const mayAsk = () => performance.now() - triedAt >= cooldownMs

  function freshen(): void {
    if (known === null || performance.now() - known.loadedAt < maxAgeMs || !mayAsk()) return
    reload().catch(() => {})
  }

  async function first(): Promise<Known> {
    if (known !== null) return known
    if (loading === null && !mayAsk()) throw unavailable()
    return reload()
  }

  function unavailable(): IssuerUnavailable {
    return new IssuerUnavailable(`${issuer} did not answer a moment ago`, { cause: failure })
  }

  return {
    async find(header, token) {
      const current = await first()
      freshen()
      try {
        return await current.lookUp(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        if (loading === null && !mayAsk()) {
          // Somebody may just have learnt what is asked for; where the last try failed, nobody knows.
          if (known !== null && known !== current) return known.lookUp(header, token)
          throw failure === null ? error : unavailable()
        }
        return (await reload()).lookUp(header, token)
      }
    },
    has: (kid) => known?.kids.has(kid) ?? false,
    freshen,
    load: async () => void (await reload()),
  }
}

/** OpenID Connect Discovery 1.0, 4.1. */
function discoveryUrl(issuer: string): URL {
  return new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
}

function keysUrl(uri: unknown, allowHttp: boolean): URL {
  if (typeof uri === 'string' && URL.canParse(uri)) {
    const url = new URL(uri)
    if (url.protocol === 'https:' || (url.protocol === 'http:' && allowHttp)) return url
  }
  throw new IssuerUnavailable(`The issuer has no usable jwks_uri: ${JSON.stringify(uri)}`)
}
