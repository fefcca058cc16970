import { timingSafeEqual } from 'node:crypto'
import type { Role } from '@slipway/contract/access'
import { type Kysely, sql } from 'kysely'
import { hashSecret, permissionsOfRole, tokenPrefix } from '../../access/index.ts'
import type { Tables } from '../../db/tables.gen.ts'
import type { Identity, Principal } from '../../ports/identity.ts'

export interface ApiTokensDeps {
  db: Kysely<Tables>
  /** Told when the times of last use could not be written. */
  onError: (error: unknown) => void
}

export interface ApiTokensOptions {
  adminToken: string
  /** Milliseconds for which a token is believed without asking the database. Default 5,000. */
  cacheMs?: number
  /** Milliseconds between two writes of the times of last use. Default 30,000. */
  lastUseMs?: number
}

/** Identity by the tokens of `/v1/tokens` and the administrator's token. */
export interface ApiTokens extends Identity {
  /** Forgets a revoked token; what is being looked up at this moment is not remembered either. */
  forget(id: string): void
  /** Writes the times of last use that are not stored yet. */
  flush(): Promise<void>
  /** Flushes, and stops. */
  close(): Promise<void>
}

interface Known {
  principal: Principal
  /** Milliseconds since the epoch. */
  expiresAt: number
  staleAt: number
}

/** Tokens remembered at once. */
const maxKnown = 10_000

export function openApiTokens(deps: ApiTokensDeps, options: ApiTokensOptions): ApiTokens {
  const cacheMs = options.cacheMs ?? 5_000
  const adminHash = hashSecret(options.adminToken)
  const admin: Principal = { id: 'admin', name: 'admin', roles: ['admin'], repositories: null }
  const known = new Map<string, Known>()
  const lookups = new Map<string, Promise<Known | null>>()
  let used = new Map<string, number>()
  /** Raised by every `forget`: a look-up begun before must not be remembered after. */
  let generation = 0
  let timer: NodeJS.Timeout | null = null

  async function lookUp(hash: Buffer, key: string): Promise<Known | null> {
    const begun = generation
    const row = await deps.db
      .selectFrom('tokens')
      .select(['id', 'name', 'roles', 'repositories', 'expires_at', 'exchanged_for'])
      .where('secret_sha256', '=', hash)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (row === undefined) {
      known.delete(key)
      return null
    }
    const { id, name, repositories } = row
    const roles = row.roles.filter((role): role is Role => Object.hasOwn(permissionsOfRole, role))
    const expiresAt = row.expires_at?.getTime()
    const entry: Known = {
      principal: {
        id,
        name,
        roles,
        repositories,
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(row.exchanged_for === null ? {} : { person: row.exchanged_for }),
      },
      expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
      staleAt: Date.now() + cacheMs,
    }
    if (begun === generation) remember(key, entry)
    return entry
  }

  function remember(key: string, entry: Known): void {
    known.delete(key)
    known.set(key, entry)
    if (known.size <= maxKnown) return
    for (const oldest of known.keys()) {
      known.delete(oldest)
      break
    }
  }

  /** One look-up per token at a time, however many requests carry it. */
  function lookUpOnce(hash: Buffer, key: string): Promise<Known | null> {
    const running = lookups.get(key)
    if (running !== undefined) return running
    const lookup = lookUp(hash, key).finally(() => {
      if (lookups.get(key) === lookup) lookups.delete(key)
    })
    lookups.set(key, lookup)
    return lookup
  }

  async function flush(): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (used.size === 0) return
    const batch = used
    used = new Map()
    await sql`
      update tokens set last_used_at = greatest(tokens.last_used_at, used.at)
      from unnest(${[...batch.keys()]}::uuid[], ${[...batch.values()].map((at) => new Date(at).toISOString())}::timestamptz[]) as used (id, at)
      where tokens.id = used.id
    `.execute(deps.db)
  }

  function noteUse(id: string, now: number): void {
    used.set(id, now)
    if (timer !== null) return
    timer = setTimeout(() => void flush().catch(deps.onError), options.lastUseMs ?? 30_000)
    timer.unref()
  }

  return {
    name: 'api-tokens',
    async authenticate(bearer) {
      const hash = hashSecret(bearer)
      if (timingSafeEqual(hash, adminHash)) return admin
      if (!bearer.startsWith(tokenPrefix)) return null
      const now = Date.now()
      const key = hash.toString('base64')
      let entry: Known | null = known.get(key) ?? null
      if (entry === null || entry.staleAt <= now) entry = await lookUpOnce(hash, key)
      if (entry === null || entry.expiresAt <= now) return null
      noteUse(entry.principal.id, now)
      return entry.principal
    },
    forget(id) {
      generation++
      lookups.clear()
      for (const [key, entry] of known) if (entry.principal.id === id) known.delete(key)
    },
    flush,
    close: flush,
  }
}
