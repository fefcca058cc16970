import { setTimeout as pause } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { StartupError } from '../errors.ts'
import { judgeServers } from './judge-servers.ts'
import type { ServerIdentity } from './server-identity.ts'

/** Milliseconds between two heartbeats of a server. */
export const beatMs = 5_000
/** Milliseconds of silence after which a server is taken for dead. */
export const silentMs = 20_000
/** Milliseconds of silence after which it is forgotten: until then others can name it. */
const forgottenMs = 24 * 3_600_000

const lookMs = 500

/**
 * Enters the server among those of the database, in place of an earlier one of its data directory.
 * Rejects with a StartupError while another is alive that it cannot work beside. One that has been
 * silent only for a moment may be dead: it is waited for until it is heard of again, or has been silent for
 * `silentMs`.
 */
export async function registerServer(
  deps: { db: Kysely<Tables> },
  server: ServerIdentity,
): Promise<void> {
  const firstSeen = new Map<string, number>()
  for (;;) {
    const conflicts = await tryRegister(deps, server)
    if (conflicts.length === 0) return
    const alive = conflicts.filter(({ id, seenAt }) => {
      const first = firstSeen.get(id)
      firstSeen.set(id, first ?? seenAt)
      return first !== undefined && seenAt > first
    })
    if (alive.length > 0) {
      const problems = [...new Set(alive.flatMap((conflict) => conflict.problems))]
      throw new StartupError(
        `Another server works on this database, and this one cannot work beside it:\n${problems
          .map((problem) => `  ${problem}`)
          .join('\n')}`,
      )
    }
    await pause(lookMs)
  }
}

interface Conflict {
  id: string
  /** When it was last heard of, by the database's clock. */
  seenAt: number
  problems: string[]
}

async function tryRegister(
  { db }: { db: Kysely<Tables> },
  server: ServerIdentity,
): Promise<Conflict[]> {
  return db.transaction().execute(async (trx) => {
    // Of two that start at once, the second sees the first.
    await sql`select pg_advisory_xact_lock(hashtextextended('slipway servers', 0))`.execute(trx)
    await sql`
      delete from servers
       where home = ${server.home} or last_seen_at < now() - ${forgottenMs}::float8 * interval '1 ms'
    `.execute(trx)
    const { rows } = await sql<OtherServer>`
      select id, name, key_fingerprint as "keyFingerprint", gitops, objects, last_seen_at
        from servers
       where last_seen_at > now() - ${silentMs}::float8 * interval '1 ms'`.execute(trx)
    const conflicts = rows
      .map((row) => ({
        id: row.id,
        seenAt: row.last_seen_at.getTime(),
        problems: judgeServers(server, row),
      }))
      .filter(({ problems }) => problems.length > 0)
    if (conflicts.length > 0) return conflicts
    await sql`
      insert into servers (id, name, home, version, key_fingerprint, gitops, objects)
      values (${server.id}::uuid, ${server.name}, ${server.home}, ${server.version},
              ${server.keyFingerprint}, ${server.gitops}, ${server.objects})`.execute(trx)
    return []
  })
}

interface OtherServer extends Pick<
  ServerIdentity,
  'id' | 'name' | 'keyFingerprint' | 'gitops' | 'objects'
> {
  last_seen_at: Date
}
