import type { Role } from '@slipway/contract/access'

/**
 * Says who a bearer token is.
 *
 * Concurrency: called on every request, so an adapter caches; a revocation is
 * honoured within a second on the same server and ten elsewhere.
 * Failure: null means "not one of mine or not valid"; a rejection means the
 * adapter could not tell, and the request fails with 503, never as anonymous.
 */
export interface Identity {
  readonly name: string
  authenticate(bearer: string): Promise<Principal | null>
}

/** Who is asking, and what they may see. */
export interface Principal {
  /** Stable: the token's id, or issuer and subject. */
  id: string
  /** For people: the token's name, or the user's e-mail address. */
  name: string
  roles: readonly Role[]
  /** The only repositories visible to this principal; null: all. */
  repositories: readonly string[] | null
}
