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
  for (const folder of await makeUnsynced(path)) await syncPath(folder)
}

/** Makes a folder and its parents; answers what is still to be synced for them to survive a power cut. */
export async function makeUnsynced(path: string): Promise<string[]> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  const folders: string[] = []
  if (first === undefined) return folders
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    folders.push(dirname(made))
  }
  return folders
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
