import { readdir, rm } from 'node:fs/promises'

/** Removes every file of this name below a directory; follows no link. */
export async function removeNamed(directory: string, name: string): Promise<void> {
  const wanted = Buffer.from(name)
  // Names of others need not be UTF-8.
  const pending = [Buffer.from(directory)]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
      const path = Buffer.concat([folder, Buffer.from('/'), entry.name])
      if (entry.isDirectory()) pending.push(path)
      else if (entry.name.equals(wanted)) await rm(path, { force: true })
    }
  }
}
