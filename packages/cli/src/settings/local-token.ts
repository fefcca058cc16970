import { open } from 'node:fs/promises'
import { resolve } from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/**
 * The admin token that a server on this machine keeps in its data directory, where that is the one
 * of the current directory; undefined where there is none or it may not be read.
 */
export async function readLocalToken(env: Env, cwd: string): Promise<string | undefined> {
  const path = resolve(cwd, env.SLIPWAY_DATA_DIR || '.slipway', 'admin-token')
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0)
      return buffer.toString('utf8', 0, bytesRead).trim() || undefined
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}
