import { constants } from 'node:fs'
import { access } from 'node:fs/promises'

/** Where the system keeps its programs; never the server's own PATH, which others may have set. */
export const systemPath = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
] as const

/** The absolute path of a system program; null when there is none. */
export async function findTool(name: string): Promise<string | null> {
  for (const directory of systemPath) {
    const path = `${directory}/${name}`
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  return null
}
