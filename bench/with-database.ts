import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../packages/server/src/db/embedded/start-embedded-postgres.ts'
import { migrate } from '../packages/server/src/db/migrate.ts'
import { openDatabase } from '../packages/server/src/db/open-database.ts'

const log = { info() {}, warn() {}, error() {} }

/** Runs a benchmark on an embedded PostgreSQL of its own, as a server starts it, migrated. */
export async function withDatabase<T>(body: (url: string) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir, log })
  try {
    const database = await openDatabase({ url: postgres.url, log })
    await migrate({ pool: database.pool, log })
    await database.close()
    return await body(postgres.url)
  } finally {
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  }
}
