import type { Logger } from 'pino'
import type { Config } from './config/read-config.ts'
import { openStore } from './open-store.ts'
import { createResources } from './resources.ts'

/** Migrates the configured database and closes it. */
export async function migrateOnly(config: Config, log: Logger): Promise<void> {
  const resources = createResources(log)
  try {
    await openStore(config, log, resources)
    log.info('the database is up to date')
  } finally {
    await resources.close()
  }
}
