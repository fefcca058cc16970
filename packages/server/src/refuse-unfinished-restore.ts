import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './directories.ts'
import { StartupError } from './errors.ts'

/** Folder of the data directory that is there while a restore is under way. */
export const restoringFolder = 'restoring'

/** A data directory that a restore did not come to its end in is half of two: nothing is started on it. */
export async function refuseUnfinishedRestore(dataDir: string): Promise<void> {
  try {
    await stat(join(dataDir, restoringFolder))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return
    throw error
  }
  throw new StartupError(
    `A restore into ${dataDir} did not come to its end: run it again (slipway-server restore)`,
  )
}
