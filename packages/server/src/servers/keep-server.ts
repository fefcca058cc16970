import { type Kysely, sql } from 'kysely'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'
import { beatMs, registerServer, silentMs } from './register-server.ts'
import type { ServerIdentity } from './server-identity.ts'

/** A server as the others see it. */
export interface KnownServer {
  id: string
  name: string
  home: string
  /** Where it is reached; null while it starts. */
  url: string | null
  version: string
  startedAt: Date
  lastSeenAt: Date
  isAlive: boolean
}

/** This server among those of its database. */
export interface KeptServer {
  readonly identity: ServerIdentity
  /** From now on the others reach this server there. */
  announce(url: string): Promise<void>
  /** The server of that data directory that was heard of last; null when none is known. */
  find(home: string): Promise<KnownServer | null>
  /** Those that are alive, this one among them, in order of their names. */
  listAlive(): Promise<KnownServer[]>
  /** Milliseconds since 1970 by the database's clock, as of the last heartbeat: servers' own clocks differ. */
  now(): number
  /** Leaves: the others know at once. Never rejects. */
  close(): Promise<void>
}

/** Enters the server and keeps it known to be alive; rejects as `registerServer` does. */
export async function keepServer(
  deps: { db: Kysely<Tables>; log: Log },
  identity: ServerIdentity,
): Promise<KeptServer> {
  const { db, log } = deps
  let url: string | null = null
  let clockOffset = 0
  let closed = false
  let beating: Promise<void> = Promise.resolve()

  const beat = async () => {
    const askedAt = Date.now()
    const { rows } = await sql<{ now: Date }>`
      insert into servers (id, name, home, url, version, key_fingerprint, gitops, objects)
      values (${identity.id}::uuid, ${identity.name}, ${identity.home}, ${url}, ${identity.version},
              ${identity.keyFingerprint}, ${identity.gitops}, ${identity.objects})
      on conflict (id) do update set last_seen_at = clock_timestamp(), url = excluded.url
      returning clock_timestamp() as now`.execute(db)
    const databaseTime = rows[0]?.now.getTime() ?? askedAt
    clockOffset = databaseTime - (askedAt + Date.now()) / 2
  }

  await registerServer(deps, identity)
  await beat()
  const timer = setInterval(() => {
    beating = beating
      .then(() => (closed ? undefined : beat()))
      .catch((error: unknown) =>
        log.warn({ err: error }, 'the others were not told that this server is alive'),
      )
  }, beatMs)
  timer.unref()

  return {
    identity,
    now: () => Date.now() + clockOffset,

    async announce(given) {
      url = given
      await beat()
    },

    async find(home) {
      const { rows } = await sql<KnownServer>`
        ${selectServers} where home = ${home} order by last_seen_at desc limit 1`.execute(db)
      return rows[0] ?? null
    },

    async listAlive() {
      const { rows } = await sql<KnownServer>`
        ${selectServers} where last_seen_at > now() - ${silentMs}::float8 * interval '1 ms'
        order by name, id limit 1000`.execute(db)
      return rows
    },

    async close() {
      closed = true
      clearInterval(timer)
      await beating
      await sql`delete from servers where id = ${identity.id}::uuid`
        .execute(db)
        .catch((error: unknown) => log.warn({ err: error }, 'the server is left to be forgotten'))
    },
  }
}

const selectServers = sql`
  select id, name, home, url, version, started_at as "startedAt", last_seen_at as "lastSeenAt",
         last_seen_at > now() - ${silentMs}::float8 * interval '1 ms' as "isAlive"
    from servers`
