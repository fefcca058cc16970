import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { connectPatiently } from './connect-patiently.ts'
import { typeParsers } from './int8.ts'
import type { Log } from './log.ts'
import { StartupError } from '../errors.ts'
import type { Tables } from './tables.gen.ts'

const oldestVersion = 15

export interface OpenDatabaseOptions {
  /** `postgresql://…`; a unix socket by `?host=/absolute/directory`. */
  url: string
  log: Log
  /** Connections held at most. Default 10. */
  maxConnections?: number
  /** Milliseconds a single statement may take in the server. Default 30,000. */
  statementTimeoutMs?: number
  /** Milliseconds to wait for a connection, a database that is just restarting included. Default 10,000. */
  connectTimeoutMs?: number
}

export interface Database {
  readonly db: Kysely<Tables>
  readonly pool: pg.Pool
  /** Waits for the queries in flight, then closes every connection. Repeating is harmless. */
  close(): Promise<void>
}

/**
 * Opens a pool on a PostgreSQL of version 15 or newer and proves that it answers.
 * A database that goes away fails the queries in flight, never the process; later
 * queries wait up to `connectTimeoutMs` for it to come back.
 * Throws StartupError when the database can't be reached, is too old or the URL is no URL.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  const { log } = options
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000
  const connectTimeoutMs = options.connectTimeoutMs ?? 10_000
  const pool = new pg.Pool({
    ...parseUrl(options.url),
    application_name: 'slipway',
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: statementTimeoutMs,
    // Longer than the server's own limit: only for a peer that has silently vanished.
    query_timeout: statementTimeoutMs + 5_000,
    lock_timeout: Math.min(10_000, statementTimeoutMs),
    idle_in_transaction_session_timeout: 60_000,
    types: typeParsers,
  })
  // A connection that breaks while it is lent out has no listener of the pool's: without one of
  // our own, the process would die of it.
  pool.on('connect', (client) => client.on('error', ignore))
  let closed: Promise<void> | undefined
  pool.on('error', (error) => {
    if (closed === undefined) log.warn({ reason: error.message }, 'A database connection was lost')
  })

  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: {
        connect: () => connectPatiently(pool, connectTimeoutMs),
        end: () => pool.end(),
      },
    }),
  })
  const close = () => (closed ??= db.destroy().then(() => (pool.ended ? undefined : pool.end())))
  try {
    await checkServer(pool, connectTimeoutMs)
  } catch (error) {
    await close()
    if (error instanceof StartupError) throw error
    throw new StartupError(`The database can't be used: ${describe(error)}`, { cause: error })
  }
  return { db, pool, close }
}

async function checkServer(pool: pg.Pool, connectTimeoutMs: number) {
  const client = await connectPatiently(pool, connectTimeoutMs)
  try {
    const { rows } = await client.query<{ number: number; name: string }>(
      `select current_setting('server_version_num')::int as number,
              current_setting('server_version') as name`,
    )
    if (rows[0] !== undefined) refuseOldVersion(rows[0])
  } finally {
    client.release()
  }
}

/** `number` as in `server_version_num`: 150004 for 15.4. */
export function refuseOldVersion(version: { number: number; name: string }): void {
  if (version.number >= oldestVersion * 10_000) return
  throw new StartupError(
    `The database is PostgreSQL ${version.name}: Slipway needs ${oldestVersion} or newer`,
  )
}

/** Never repeats the URL: it may hold a password. */
function parseUrl(url: string): { connectionString: string } {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new StartupError('The database URL must look like postgresql://user:password@host/name')
  }
  return { connectionString: url }
}

/** An AggregateError of several addresses has no message of its own. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ')
  return error instanceof Error ? error.message : String(error)
}

function ignore() {}
