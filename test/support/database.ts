import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { type Database, openDatabase } from '../../packages/server/src/db/open-database.ts'
import { quietLog } from './quiet-log.ts'

/** Migrated once per session; every test database is a copy. */
export const templateDatabase = 'slipway_template'

export interface TestDatabase extends Database {
  /** For programs under test, as `DATABASE_URL`. */
  readonly url: string
  /** The same database for a superuser. */
  readonly adminUrl: string
}

/**
 * A migrated, empty database of one's own on the session's PostgreSQL; `close` drops it, whoever is still
 * connected. `{ empty: true }` gives one without a schema.
 */
export async function createTestDatabase(
  options: { empty?: boolean; maxConnections?: number } = {},
): Promise<TestDatabase> {
  const admin = inject('adminUrl')
  const name = `test_${randomBytes(8).toString('hex')}`
  const template = options.empty === true ? 'template1' : templateDatabase
  await asAdmin(admin, `create database ${name} owner slipway template ${template}`)
  const url = withDatabase(admin.replace('//postgres@', '//slipway@'), name)
  const database = await openDatabase({
    url,
    log: quietLog,
    maxConnections: options.maxConnections ?? 10,
  })
  return {
    ...database,
    url,
    adminUrl: withDatabase(admin, name),
    async close() {
      await database.close()
      await asAdmin(admin, `drop database if exists ${name} with (force)`)
    },
  }
}

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

async function asAdmin(url: string, statement: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
