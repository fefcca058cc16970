import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFile } from './embedded/lock-file.ts'
import { StartupError } from '../errors.ts'

/**
 * Makes this process the owner of the data directory (created if absent) until `release`, or until it
 * dies. Throws StartupError, naming the owner, when there is one already.
 */
export async function lockDataDirectory(dataDir: string): Promise<{ release(): Promise<void> }> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, 'server.lock')
  const handle = await lockFile(path, 0)
  if (handle === null) {
    throw new StartupError(
      `The data directory ${dataDir} is in use by another Slipway server${await readOwner(path)}. ` +
        'Stop that one first, or give this one a directory of its own (SLIPWAY_DATA_DIR)',
    )
  }
  try {
    await handle.truncate(0)
    await handle.write(`${process.pid} ${new Date().toISOString()}\n`, 0)
  } catch (error) {
    await handle.close()
    throw error
  }
  let released: Promise<void> | undefined
  return { release: () => (released ??= handle.close()) }
}

/** Only for the message: the lock, not the file's content, says that there is an owner. */
async function readOwner(path: string): Promise<string> {
  const [pid, since] = (await readFile(path, 'utf8')).trim().split(' ')
  return pid !== undefined && since !== undefined ? ` (process ${pid}, since ${since})` : ''
}
