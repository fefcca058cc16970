import { hashSecret } from '../../../access/index.ts'
import type { Identity, Principal } from '../../../ports/identity.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { objectToUse, type PrincipalOptions, toPrincipal } from './to-principal.ts'
import { looksLikeJwt, type TokenLog, verifyJwt } from './verify-jwt.ts'

export interface OidcTokensDeps {
  log: TokenLog
  keys: IssuerKeys
}

interface Known {
  principal: Principal
  kid: string | undefined
  /** Milliseconds since the epoch. */
  until: number
}

/** Tokens remembered at once. */
const maxKnown = 10_000

/**
 * Identity by access tokens of an OpenID issuer, such as Keycloak. A token that has been verified is
 * believed until it ends, or until the issuer no longer has the key that signed it.
 */
export function openOidcTokens(deps: OidcTokensDeps, options: PrincipalOptions): Identity {
  const { keys, log } = deps
  const known = new Map<string, Known>()

  function recall(key: string): Principal | null {
    const entry = known.get(key)
    if (entry === undefined) return null
    if (entry.until > Date.now() && keys.has(entry.kid)) return entry.principal
    known.delete(key)
    return null
  }

  function remember(key: string, entry: Known): void {
    known.set(key, entry)
    if (known.size <= maxKnown) return
    for (const oldest of known.keys()) {
      known.delete(oldest)
      break
    }
  }

  return {
    name: 'oidc',
    async authenticate(bearer) {
      if (!looksLikeJwt(bearer)) return null
      const key = hashSecret(bearer).toString('base64')
      keys.freshen()
      const recalled = recall(key)
      if (recalled !== null) return recalled
      const verified = await verifyJwt(keys, bearer, options)
      const refused = 'refused' in verified ? verified.refused : objectToUse(verified)
      if (refused !== null || 'refused' in verified) {
        log.debug({ reason: refused }, 'An access token was refused')
        return null
      }
      const principal = toPrincipal(verified, options)
      remember(key, { principal, kid: verified.kid, until: verified.until })
      return principal
    },
  }
}
