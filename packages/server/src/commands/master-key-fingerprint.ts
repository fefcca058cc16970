import { readFile } from 'node:fs/promises'
import { hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../config/read-config.ts'
import { hasCode } from '../directories.ts'

/** Tells whether two master keys are the same, and nothing of the key. */
export function fingerprintOfKey(key: Buffer): string {
  return Buffer.from(hkdfSync('sha256', key, '', 'slipway backup', 16)).toString('hex')
}

/** Of the master key of the settings, else of the data directory; null where there is none yet. */
export async function masterKeyFingerprint(
  config: Pick<Config, 'dataDir' | 'masterKey'>,
): Promise<string | null> {
  if (config.masterKey !== null) return fingerprintOfKey(config.masterKey)
  try {
    const text = await readFile(join(config.dataDir, 'master-key'), 'utf8')
    return fingerprintOfKey(Buffer.from(text.trim(), 'base64'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}
