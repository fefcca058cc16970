import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { hasCode } from '../../directories.ts'

/** What the build of the dashboard, or of the manual, left, by name: nothing else is ever served. */
export interface DashboardFiles {
  /** `index.html`. */
  document: string
  /** The others, by path below the directory, as `assets/index-abc.js`. */
  byName: ReadonlyMap<string, DashboardFile>
}

export interface DashboardFile {
  path: string
  type: string
  /** Bytes. */
  size: number
  /** Compressed ones beside it, the best first. */
  encoded: readonly { encoding: 'br' | 'gzip'; path: string; size: number }[]
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
}
const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

/** Null where there is no dashboard in the directory. */
export async function readDashboardFiles(directory: string): Promise<DashboardFiles | null> {
  let document: string
  try {
    document = await readFile(join(directory, 'index.html'), 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  const sizes = new Map<string, number>()
  for (const entry of found) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    sizes.set(path, (await stat(path)).size)
  }
  const byName = new Map<string, DashboardFile>()
  for (const [path, size] of sizes) {
    const type = types[extname(path)]
    if (type === undefined) continue
    const encoded = encodings.flatMap(([encoding, suffix]) => {
      const bytes = sizes.get(path + suffix)
      return bytes === undefined ? [] : [{ encoding, path: path + suffix, size: bytes }]
    })
    const name = path.slice(directory.length + 1).replaceAll('\\', '/')
    byName.set(name, { path, type, size, encoded })
  }
  return { document, byName }
}
