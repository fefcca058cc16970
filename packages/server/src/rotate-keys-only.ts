import type { Logger } from 'pino'
import type { Config } from './config/read-config.ts'
import { StartupError } from './errors.ts'
import { openStore } from './open-store.ts'
import { createResources } from './resources.ts'
import { sealedColumns } from './sealed-columns.ts'
import { openVault, rotateKeys } from './secrets/index.ts'
import { resolveMasterKey } from './server-keys.ts'

/**
 * Encrypts everything anew that is under one of the previous master keys. Stopped in between, it goes
 * on when it is run again. A `StartupError` names what none of the keys opens; the rest is done then.
 */
export async function rotateKeysOnly(config: Config, log: Logger): Promise<void> {
  const resources = createResources(log)
  try {
    const { db } = await openStore(config, log, resources)
    const masterKey = await resolveMasterKey({
      dataDir: config.dataDir,
      configured: config.masterKey,
    })
    const vault = openVault([masterKey, ...config.previousMasterKeys])
    const { resealed, lost } = await rotateKeys({ db, vault }, sealedColumns)
    log.info({ records: resealed }, 'encrypted anew under the master key')
    if (lost.length > 0) {
      throw new StartupError(
        `Not everything is under the master key:\n${lost.map((message) => `  ${message}`).join('\n')}\n` +
          'Name its key in SLIPWAY_PREVIOUS_MASTER_KEYS and run this again, or store the value anew.',
      )
    }
  } finally {
    await resources.close()
  }
}
