import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../../config/read-config.ts'
import { startEmbeddedPostgres } from '../../db/embedded/start-embedded-postgres.ts'
import { lockFile } from '../../db/embedded/lock-file.ts'
import { readSocketDirectory } from '../../db/embedded/postmaster-file.ts'
import { hasCode } from '../../directories.ts'
import { StartupError } from '../../errors.ts'
import { refuseUnfinishedRestore } from '../../refuse-unfinished-restore.ts'

/** The configured database: that of a running server, where the data directory has one. */
export async function findDatabase(
  config: Pick<Config, 'dataDir' | 'databaseUrl'>,
  log: Logger,
): Promise<{ url: string; close(): Promise<void> }> {
  await refuseUnfinishedRestore(config.dataDir)
  if (config.databaseUrl !== null) return { url: config.databaseUrl, close: async () => {} }
  const data = join(config.dataDir, 'postgres', 'data')
  await stat(data).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new StartupError(`There is no database in ${config.dataDir} (SLIPWAY_DATA_DIR)`)
  })
  const lock = await lockFile(join(config.dataDir, 'server.lock'), 0)
  if (lock !== null) {
    await lock.close()
    const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log })
    return { url: postgres.url, close: () => postgres.stop() }
  }
  const socket = await readSocketDirectory(data)
  if (socket === null) {
    throw new StartupError(
      `The server of ${config.dataDir} is just starting or stopping: try again`,
    )
  }
  const url = `postgresql://slipway@localhost/slipway?host=${encodeURIComponent(socket)}`
  return { url, close: async () => {} }
}
