import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes what a git that was killed has left of its locks in a bare repository. Only for whoever has
 * the repository's turn: nobody else holds a lock then.
 */
export async function removeLocks(directory: string): Promise<void> {
  const within = async (folder: string, recursive: boolean) =>
    (await readdir(join(directory, folder), { recursive })).map((name) => join(folder, name))
  const names = await Promise.all([
    within('.', false),
    within('refs', true),
    within('objects/info', true),
  ])
  for (const name of names.flat()) {
    if (name.endsWith('.lock')) await rm(join(directory, name), { force: true })
  }
}
