import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { VerifyDeps } from '../credentials/index.ts'
import type { Store } from '../open-store.ts'
import type { RepositoriesDeps } from '../repositories/index.ts'
import { sealedColumns } from '../sealed-columns.ts'
import { checkKeys, openVault, type StepSecretsDeps, type Vault } from '../secrets/index.ts'

export interface OpenedSecrets {
  vault: Vault
  secrets: StepSecretsDeps
  credentials: VerifyDeps
  repositories: RepositoriesDeps
}

/**
 * The vault, and what is kept in it. What its keys do not open is named in the log and fails whoever
 * asks for it; the server works on.
 */
export async function openSecrets(
  config: Config,
  log: Logger,
  opened: { store: Store; masterKey: Buffer },
): Promise<OpenedSecrets> {
  const { db } = opened.store
  const vault = openVault([opened.masterKey, ...config.previousMasterKeys])
  const accessDirectory = join(config.dataDir, 'git-access')
  // What a dead predecessor left.
  await rm(accessDirectory, { recursive: true, force: true })
  const { lost, outdated } = await checkKeys({ db, vault }, sealedColumns)
  if (lost.length > 0) {
    log.error(
      { records: lost },
      'these are encrypted under a master key that this server does not have: SLIPWAY_MASTER_KEY, SLIPWAY_PREVIOUS_MASTER_KEYS',
    )
  }
  if (outdated > 0) {
    log.warn(
      { records: outdated },
      'some are under a previous master key: slipway-server rotate-keys',
    )
  }
  const credentials = { db, vault, accessDirectory }
  const repositories = {
    ...credentials,
    allowFileRepositories: config.git.allowFileRepositories,
    gitBaseUrl: config.git.baseUrl,
    defaultCredential: config.git.credential,
  }
  return { vault, secrets: { db, vault }, credentials, repositories }
}
