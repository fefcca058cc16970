import { join } from 'node:path'
import { keepSecretFile } from './secret-file.ts'
import { newTokenSecret } from './token-secret.ts'

export interface AdminToken {
  token: string
  /** Where it is kept; null when it was configured. */
  path: string | null
  /** It was made just now: the one moment to show it. */
  created: boolean
}

/** The administrator's token: the configured one, else the one kept in the data directory. */
export async function resolveAdminToken(input: {
  dataDir: string
  configured: string | null
}): Promise<AdminToken> {
  if (input.configured !== null) return { token: input.configured, path: null, created: false }
  const path = join(input.dataDir, 'admin-token')
  const { secret, created } = await keepSecretFile(path, newTokenSecret)
  return { token: secret, path, created }
}
