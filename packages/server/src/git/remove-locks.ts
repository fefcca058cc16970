import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes what a git that was killed has left of its locks in a bare repository. Only for whoever has
 * the repository's turn: nobody else holds a lock then. Where others may hold one for a moment,
 * `olderThanMs` leaves theirs alone.
 */
export async function removeLocks(
  directory: string,
  { olderThanMs = 0 }: { olderThanMs?: number } = {},
): Promise<void> {
  const within = async (folder: string, recursive: boolean) =>
    (await readdir(join(directory, folder), { recursive })).map((name) => join(folder, name))
  const names = await Promise.all([
    within('.', false),
    within('refs', true),
    within('objects/info', true),
  ])
  for (const name of names.flat()) {
    if (!name.endsWith('.lock')) continue
    const path = join(directory, name)
    const found = olderThanMs === 0 ? null : await stat(path).catch(() => null)
    if (found !== null && Date.now() - found.mtimeMs < olderThanMs) continue
    await rm(path, { force: true })
  }
}
