import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { v7 as uuid } from 'uuid'
import { keepSecretFile } from './access/index.ts'

/**
 * The server's 32-byte key: the configured one, else one made at the first start and kept in
 * the data directory. Keys for each purpose are derived from it.
 */
export async function resolveMasterKey(input: {
  dataDir: string
  configured: Buffer | null
}): Promise<Buffer> {
  if (input.configured !== null) return input.configured
  const path = join(input.dataDir, 'master-key')
  const { secret } = await keepSecretFile(path, () => randomBytes(32).toString('base64'))
  return Buffer.from(secret, 'base64')
}

/** Names this data directory among all that work on one database, wherever it is mounted. */
export async function dataDirectoryId(dataDir: string): Promise<string> {
  const { secret } = await keepSecretFile(join(dataDir, 'data-directory-id'), () => uuid())
  return secret
}
