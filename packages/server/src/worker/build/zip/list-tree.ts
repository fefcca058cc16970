import { lstat, readdir } from 'node:fs/promises'
import { AppError } from '../../../errors.ts'

/** What a tree holds at one path. */
export interface TreeEntry {
  kind: 'file' | 'link' | 'folder'
  /** Bytes as the file system has them, relative to the tree; of a folder `/` at the end. */
  name: Buffer
  /** Bytes of a file, 0 of others. */
  size: number
  /** Of a file: whether its owner may execute it. */
  isExecutable: boolean
}

/** Files, links and empty folders of one tree. */
const maxEntries = 1_000_000
/** Entries of a folder that are looked at together. */
const batch = 64
const slash = Buffer.from('/')
const git = Buffer.from('.git')

/**
 * Files, links and empty folders of a tree, in the order of the bytes of their names, so that equal
 * trees give equal lists. Links are not followed, and what is called `.git` is left out, wherever it is.
 * AppError `invalid_request` says what cannot be packed: pipes, sockets and devices, names that lead out
 * of the tree where a backslash is a separator, and more entries than a million.
 */
export async function listTree(directory: string, signal: AbortSignal): Promise<TreeEntry[]> {
  const found: TreeEntry[] = []
  await listFolder(Buffer.from(`${directory}/`), Buffer.alloc(0), found, signal)
  return found
}

async function listFolder(
  root: Buffer,
  folder: Buffer,
  found: TreeEntry[],
  signal: AbortSignal,
): Promise<void> {
  const names = await readdir(Buffer.concat([root, folder]), { encoding: 'buffer' })
  const wanted = names.filter((name) => !name.equals(git))
  const entries: TreeEntry[] = []
  for (let at = 0; at < wanted.length; at += batch) {
    signal.throwIfAborted()
    entries.push(
      ...(await Promise.all(
        wanted.slice(at, at + batch).map((name) => look(root, Buffer.concat([folder, name]))),
      )),
    )
  }
  entries.sort((a, b) => Buffer.compare(a.name, b.name))
  for (const entry of entries) {
    const before = found.length
    if (entry.kind === 'folder') await listFolder(root, entry.name, found, signal)
    // A folder with something in it is there because of that.
    if (found.length === before) found.push(entry)
    if (found.length > maxEntries) {
      throw new AppError('invalid_request', `There are more than ${maxEntries} files to be packed`)
    }
  }
}

async function look(root: Buffer, name: Buffer): Promise<TreeEntry> {
  requireHarmless(name)
  const stat = await lstat(Buffer.concat([root, name]))
  const entry = { name, size: 0, isExecutable: false }
  if (stat.isDirectory()) return { ...entry, kind: 'folder', name: Buffer.concat([name, slash]) }
  if (stat.isSymbolicLink()) return { ...entry, kind: 'link' }
  if (!stat.isFile()) {
    throw new AppError(
      'invalid_request',
      `${shownName(name)} is neither a file nor a folder nor a link`,
    )
  }
  return { kind: 'file', name, size: stat.size, isExecutable: (stat.mode & 0o100) !== 0 }
}

/** A name of this system that means another place on Windows is not given to whoever unpacks it there. */
function requireHarmless(name: Buffer): void {
  const text = name.toString('latin1')
  if (!text.includes('\\')) return
  const leaves = /^([A-Za-z]:)?\\/.test(text) || text.split(/[\\/]/).includes('..')
  if (!leaves) return
  throw new AppError(
    'invalid_request',
    `${shownName(name)} cannot be packed: it leads out of the folder where "\\" separates names`,
  )
}

/** A name for people, in quotes; what is no UTF-8 or can't be printed is escaped or replaced. */
export function shownName(name: Buffer): string {
  return JSON.stringify(name.toString('utf8').slice(0, 500))
}
