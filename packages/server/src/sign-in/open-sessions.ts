import { v7 as uuid } from 'uuid'
import { hashSecret, newTicketSecret } from '../access/index.ts'
import type { Log } from '../db/log.ts'
import { AppError } from '../errors.ts'
import type { Identity, Principal } from '../ports/identity.ts'
import type { IssuedTokens, SignInProvider } from '../ports/sign-in.ts'
import { renewSession } from './renew-session.ts'
import {
  deleteSession,
  extendSession,
  findSession,
  insertSession,
  type SessionStore,
  type StoredSession,
} from './session-rows.ts'

export interface SessionsDeps extends SessionStore {
  log: Log
  identity: Identity
  /** Null: no issuer is set up for browsers. */
  provider: SignInProvider | null
}

export interface SessionsOptions {
  /** Milliseconds that a session lasts, however it is used. */
  lifetimeMs: number
  /** Milliseconds after which it ends unless it is used. */
  idleMs: number
  /** Milliseconds for which one is believed without asking the database. Default 5,000. */
  cacheMs?: number
  /** Milliseconds before the end of a bearer token at which another is asked for. Default 120,000. */
  renewAheadMs?: number
}

export interface BegunSession {
  /** For the cookie. */
  secret: string
  principal: Principal
  expiresAt: number
}

/** Sessions of browsers: what stands behind their cookies. */
export interface Sessions {
  /**
   * Whose session has this secret; null: it is unknown or has ended. Rejects where that cannot be told.
   * `passive`: somebody is only looking whether it goes on, which does not keep it from ending.
   */
  authenticate(secret: string, options?: { passive?: boolean }): Promise<Principal | null>
  /** Begins one with tokens that are good; null: they are not. */
  begin(method: StoredSession['method'], tokens: IssuedTokens): Promise<BegunSession | null>
  /** Ends one, at once here and within seconds elsewhere; answers what it was, or null. */
  end(secret: string): Promise<StoredSession | null>
  /** Writes what is not stored yet of when sessions were used. */
  close(): Promise<void>
}

interface Known {
  session: StoredSession
  staleAt: number
  /** When it was renewed, or failed to be; milliseconds since the epoch. */
  triedAt: number
}

/** Sessions remembered at once. */
const maxKnown = 10_000
/** Milliseconds between two tries to renew one session ahead of time, or while the issuer is away. */
const pauseMs = 5_000
/** Milliseconds by which a session's end must move to be written down. */
const worthWritingMs = 60_000

const secretPattern = /^[0-9A-Za-z]{43}$/

export function openSessions(deps: SessionsDeps, options: SessionsOptions): Sessions {
  const { lifetimeMs, idleMs, cacheMs = 5_000, renewAheadMs = 120_000 } = options
  const { identity, provider, log } = deps
  const known = new Map<string, Known>()
  const lookUps = new Map<string, Promise<Known | null>>()
  const renewals = new Map<string, Promise<StoredSession | null>>()
  const writes = new Set<Promise<void>>()
  /** Raised by every end: a look-up begun before must not be remembered after. */
  let generation = 0

  function remember(key: string, session: StoredSession): Known {
    const triedAt = known.get(key)?.triedAt ?? 0
    const entry = { session, staleAt: Date.now() + cacheMs, triedAt }
    known.delete(key)
    known.set(key, entry)
    if (known.size > maxKnown) {
      for (const oldest of known.keys()) {
        known.delete(oldest)
        break
      }
    }
    return entry
  }

  async function lookUp(secretHash: Buffer, key: string): Promise<Known | null> {
    const begun = generation
    const session = await findSession(deps, { secretHash }).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error
      // Its key is lost: whose it is has to sign in again.
      log.warn({ err: error }, 'A session cannot be read')
      return null
    })
    if (session !== null && begun === generation) return remember(key, session)
    known.delete(key)
    return session === null ? null : { session, staleAt: 0, triedAt: 0 }
  }

  function lookUpOnce(secretHash: Buffer, key: string): Promise<Known | null> {
    const entry = known.get(key)
    if (entry !== undefined && entry.staleAt > Date.now()) return Promise.resolve(entry)
    const running = lookUps.get(key)
    if (running !== undefined) return running
    const lookup = lookUp(secretHash, key).finally(() => lookUps.delete(key))
    lookUps.set(key, lookup)
    return lookup
  }

  /** One renewal of a session at a time; null: it has ended. */
  function renew(key: string, entry: Known): Promise<StoredSession | null> {
    const { session } = entry
    const running = renewals.get(session.id)
    if (running !== undefined) return running
    if (provider === null) return Promise.resolve(null)
    entry.triedAt = Date.now()
    const begun = generation
    const renewal = renewSession({ ...deps, provider }, session)
      .then((renewed) => {
        if (renewed === null) known.delete(key)
        else if (begun === generation) remember(key, renewed)
        return renewed
      })
      .finally(() => renewals.delete(session.id))
    renewals.set(session.id, renewal)
    return renewal
  }

  async function identify(key: string, entry: Known): Promise<Principal | null> {
    const { session } = entry
    const isRenewable = session.tokens.refreshToken !== null && provider !== null
    const isPaused = Date.now() - entry.triedAt < pauseMs
    const { bearerExpiresAt } = session
    const principal = await identity.authenticate(session.tokens.accessToken)
    if (principal !== null) {
      const isDue = bearerExpiresAt !== null && bearerExpiresAt - Date.now() < renewAheadMs
      if (isDue && isRenewable && !isPaused) {
        renew(key, entry).catch((error: unknown) =>
          log.warn({ err: error }, 'A session could not be renewed ahead of time'),
        )
      }
      return principal.id === session.principalId ? principal : null
    }
    if (!isRenewable) return null
    if (isPaused && !renewals.has(session.id)) {
      throw new AppError('unavailable', 'The issuer did not renew the session a moment ago')
    }
    const renewed = await renew(key, entry)
    return renewed === null ? null : identity.authenticate(renewed.tokens.accessToken)
  }

  function noteUse(session: StoredSession): void {
    const endsAt = Math.min(session.expiresAt, Date.now() + idleMs)
    if (endsAt - session.endsAt < Math.min(worthWritingMs, idleMs / 10)) return
    session.endsAt = endsAt
    const write = extendSession(deps, session.id, endsAt)
      .catch((error: unknown) => log.warn({ err: error }, 'The use of a session was not stored'))
      .finally(() => writes.delete(write))
    writes.add(write)
  }

  return {
    async authenticate(secret, { passive = false } = {}) {
      if (!secretPattern.test(secret)) return null
      const secretHash = hashSecret(secret)
      const key = secretHash.toString('base64')
      const entry = await lookUpOnce(secretHash, key)
      if (entry === null || entry.session.endsAt <= Date.now()) return null
      const principal = await identify(key, entry)
      if (principal === null) return null
      const { session } = entry
      if (!passive) noteUse(session)
      return ofSession(session, principal)
    },
    async begin(method, tokens) {
      const principal = await identity.authenticate(tokens.accessToken)
      if (principal === null) return null
      const secret = newTicketSecret()
      const now = Date.now()
      const session: StoredSession = {
        id: uuid(),
        method,
        principalId: principal.id,
        principalName: principal.name,
        tokens,
        bearerExpiresAt: principal.expiresAt ?? null,
        expiresAt: now + lifetimeMs,
        endsAt: now + Math.min(lifetimeMs, idleMs),
      }
      await insertSession(deps, {
        ...session,
        secretHash: hashSecret(secret),
      })
      return {
        secret,
        principal: ofSession(session, principal),
        expiresAt: session.expiresAt,
      }
    },
    async end(secret) {
      if (!secretPattern.test(secret)) return null
      const secretHash = hashSecret(secret)
      generation += 1
      known.delete(secretHash.toString('base64'))
      const session = await findSession(deps, { secretHash })
      if (session === null) return null
      await deleteSession(deps, session.id)
      generation += 1
      known.delete(secretHash.toString('base64'))
      return session
    },
    async close() {
      await Promise.all(writes)
    },
  }
}

/** What stands on a token ends with it; what the issuer renews, with the session. */
function ofSession({ id, method, expiresAt }: StoredSession, principal: Principal): Principal {
  const ends =
    method === 'oidc'
      ? expiresAt
      : Math.min(expiresAt, principal.expiresAt ?? Number.POSITIVE_INFINITY)
  return { ...principal, session: id, expiresAt: ends }
}
