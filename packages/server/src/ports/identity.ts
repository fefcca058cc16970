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
  /** When the credential ends by itself, in milliseconds since the epoch; absent: it does not. */
  expiresAt?: number
  /** Id of the session whose cookie came; absent: a token came. */
  session?: string
  /** Whom approvals are counted by, where several principals are one person; absent: `id`. */
  person?: string
}
