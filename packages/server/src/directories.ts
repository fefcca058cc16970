import { constants } from 'node:fs'
import { mkdir, open, rmdir } from 'node:fs/promises'
import { dirname, sep } from 'node:path'

/** Whether a file-system call failed for one of these reasons. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')
}

/** Writes a file's contents, or a folder's entries, through to the disk. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes a folder and its parents, each of them on disk when this resolves. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncPath(dirname(made))
  }
}

/** Removes `path` and its parents below `root` as far as they are empty. */
export async function pruneDirectories(path: string, root: string): Promise<void> {
  for (let folder = path; folder.startsWith(root + sep); folder = dirname(folder)) {
    try {
      await rmdir(folder)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue
      return
    }
  }
}
