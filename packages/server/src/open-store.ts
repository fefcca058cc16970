import type { Logger } from 'pino'
import type { Config } from './config/read-config.ts'
import { startEmbeddedPostgres } from './db/embedded/start-embedded-postgres.ts'
import { listenSignals } from './db/listen-signals.ts'
import { lockDataDirectory } from './db/lock-data-directory.ts'
import { migrate } from './db/migrate.ts'
import { type Database, openDatabase } from './db/open-database.ts'
import type { Signals } from './db/signals.ts'
import { refuseUnfinishedRestore } from './refuse-unfinished-restore.ts'
import type { Resources } from './resources.ts'

export interface Store extends Database {
  /** To and from other servers on the database; absent where there can be none. */
  signals?: Signals
}

/** Makes the data directory this process's own and opens its database, migrated. */
export async function openStore(
  config: Pick<Config, 'dataDir' | 'databaseUrl'>,
  log: Logger,
  resources: Resources,
): Promise<Store> {
  await refuseUnfinishedRestore(config.dataDir)
  if (config.databaseUrl === null) {
    const postgres = resources.add(
      'postgres',
      await startEmbeddedPostgres({ dataDir: config.dataDir, log }),
      (started) => started.stop(),
    )
    return openMigrated(postgres.url, log, resources)
  }
  resources.add('data directory', await lockDataDirectory(config.dataDir), (lock) => lock.release())
  const database = await openMigrated(config.databaseUrl, log, resources)
  const signals = resources.add(
    'signals',
    await listenSignals({ url: config.databaseUrl, pool: database.pool, log }),
    (listening) => listening.close(),
  )
  return { ...database, signals }
}

async function openMigrated(url: string, log: Logger, resources: Resources): Promise<Database> {
  const database = resources.add('database', await openDatabase({ url, log }), (opened) =>
    opened.close(),
  )
  const applied = await migrate({ pool: database.pool, log })
  if (applied.length > 0) log.info({ migrations: applied }, 'migrated')
  return database
}
