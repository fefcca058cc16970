import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { SourceTree } from '../load-forge.ts'

/** A folder as a tree. For tests. */
export function folderTree(root: string): SourceTree {
  return {
    list: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      const files = entries.filter((entry) => entry.isFile())
      return files.map((entry) =>
        relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'),
      )
    },
    read: (path) => readFile(join(root, path)),
  }
}
