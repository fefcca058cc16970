import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../packages/server/src/db/embedded/start-embedded-postgres.ts'
import { migrate } from '../../packages/server/src/db/migrate.ts'
import { openDatabase } from '../../packages/server/src/db/open-database.ts'
import { templateDatabase, withDatabase } from './database.ts'
import { quietLog } from './quiet-log.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of the PostgreSQL that this test session shares. */
    adminUrl: string
  }
}

/** One PostgreSQL for the whole session, with a migrated database to copy from. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'slipway-test-'))
  const server = await startEmbeddedPostgres({ dataDir, log: quietLog })
  const teardown = async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const admin = new pg.Client({ connectionString: server.adminUrl })
    await admin.connect()
    // Nobody needs this one after a power cut; what is tested for that has a server of its own.
    await admin.query('alter system set fsync = off')
    await admin.query('select pg_reload_conf()')
    await admin.query(`create database ${templateDatabase} owner slipway`)
    await admin.end()
    const template = await openDatabase({
      url: withDatabase(server.url, templateDatabase),
      log: quietLog,
    })
    await migrate({ pool: template.pool, log: quietLog })
    await template.close()
  } catch (error) {
    await teardown()
    throw error
  }
  project.provide('adminUrl', server.adminUrl)
  return teardown
}
