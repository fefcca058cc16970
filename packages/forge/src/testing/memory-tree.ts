import type { SourceTree } from '../load-forge.ts'

/** A tree that holds these files, path to content. For tests. */
export function memoryTree(files: Record<string, string | Buffer>): SourceTree {
  return {
    list: async () => Object.keys(files),
    read: async (path) => {
      const content = files[path]
      if (content === undefined) throw new Error(`no such file: ${path}`)
      return Buffer.from(content)
    },
  }
}
