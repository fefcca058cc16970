import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Pool, PoolClient } from 'pg'
import type { Log } from './log.ts'
import { StartupError } from '../errors.ts'

/** Any fixed number that nobody else locks in this database. */
const advisoryLock = 7_547_929
const longestMs = 30 * 60_000
const migrationsDirectory = new URL('../../migrations/', import.meta.url)

/** What has been applied is noted in. */
export const createMigrationsTable = `
  create table if not exists schema_migrations (
    name       text primary key,
    checksum   text not null,
    applied_at timestamptz not null default now()
  )`

export interface MigrateDeps {
  pool: Pool
  log: Log
}

export interface Migration {
  name: string
  sql: string
  checksum: string
}

/**
 * Brings the schema up to this program: each file of `directory` in the order of its name,
 * forward only, once, in one transaction each. Several servers may do so at the same time.
 * Returns the names of those applied now. Throws StartupError, with nothing changed, for a schema newer
 * than the program, and for an applied file that has been changed since.
 */
export async function migrate(
  deps: MigrateDeps,
  directory: string | URL = migrationsDirectory,
): Promise<string[]> {
  const migrations = await readMigrations(directory)
  const client = await deps.pool.connect()
  let broken = true
  try {
    let pending = pendingOf(migrations, await readApplied(client))
    const applied: string[] = []
    while (pending.length > 0) {
      const name = await applyNext(client, migrations)
      if (name === null) break
      deps.log.info({ migration: name }, 'Migrated the database')
      applied.push(name)
      pending = pending.slice(1)
    }
    broken = false
    return applied
  } finally {
    // After a failure the connection may be inside a transaction: close it, don't lend it out again.
    client.release(broken)
  }
}

/** Files are `0001_words.sql`; their order is that of their numbers, which are all different. */
export async function readMigrations(
  directory: string | URL = migrationsDirectory,
): Promise<Migration[]> {
  const path = typeof directory === 'string' ? directory : fileURLToPath(directory)
  const names = (await readdir(path)).filter((name) => name.endsWith('.sql')).sort()
  const migrations: Migration[] = []
  for (const name of names) {
    if (
      !/^\d{4}_[a-z0-9_]+\.sql$/.test(name) ||
      name.slice(0, 4) === migrations.at(-1)?.name.slice(0, 4)
    ) {
      throw new StartupError(`${name} is no migration's name: it must be a new number, _ and words`)
    }
    const sql = await readFile(`${path}/${name}`, 'utf8')
    migrations.push({ name, sql, checksum: createHash('sha256').update(sql).digest('hex') })
  }
  return migrations
}

async function readApplied(client: PoolClient): Promise<Map<string, string>> {
  const { rows: tables } = await client.query(
    `select 1 from pg_class where oid = to_regclass('schema_migrations')`,
  )
  if (tables.length === 0) return new Map()
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from schema_migrations order by name',
  )
  return new Map(rows.map(({ name, checksum }) => [name, checksum]))
}

/** What is still to be applied, or the reason why nothing may be. */
export function pendingOf(
  migrations: readonly Pick<Migration, 'name' | 'checksum'>[],
  applied: ReadonlyMap<string, string>,
): string[] {
  const known = new Set(migrations.map(({ name }) => name))
  const unknown = [...applied.keys()].filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new StartupError(
      `The database is newer than this program: it has ${unknown.join(', ')}. Start the newer version`,
    )
  }
  const pending: string[] = []
  for (const { name, checksum } of migrations) {
    const before = applied.get(name)
    if (before === undefined) {
      pending.push(name)
    } else if (before !== checksum) {
      throw new StartupError(
        `The migration ${name} was applied with other content: a released migration must not be changed`,
      )
    } else if (pending.length > 0) {
      throw new StartupError(
        `The migration ${pending[0]} was never applied although the later ${name} was: it must come last`,
      )
    }
  }
  return pending
}

/** Applies the first pending migration, seen afresh under the lock; null when there is none any more. */
async function applyNext(client: PoolClient, migrations: readonly Migration[]) {
  await client.query('begin')
  await client.query(
    `set local statement_timeout = ${longestMs}; set local lock_timeout = ${longestMs}`,
  )
  await patientQuery(client, `select pg_advisory_xact_lock(${advisoryLock})`)
  await client.query(createMigrationsTable)
  const name = pendingOf(migrations, await readApplied(client))[0]
  const migration = migrations.find((candidate) => candidate.name === name)
  if (migration === undefined) {
    await client.query('rollback')
    return null
  }
  await patientQuery(client, migration.sql).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(`The migration ${migration.name} failed: ${reason}`, { cause: error })
  })
  await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [
    migration.name,
    migration.checksum,
  ])
  await client.query('commit')
  return migration.name
}

/** A query that may take longer than the pool's connections otherwise allow. */
function patientQuery(client: PoolClient, text: string) {
  const query: { text: string; query_timeout: number } = { text, query_timeout: longestMs }
  return client.query(query)
}
