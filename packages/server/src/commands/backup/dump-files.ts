import { randomUUID } from 'node:crypto'
import { type Dirent } from 'node:fs'
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode } from '../../directories.ts'
import { runGit } from '../../git/index.ts'
import { bundleName } from '../archive/manifest.ts'
import type { ArchiveWriter } from '../archive/write-archive.ts'

const readBytes = 1024 * 1024
/** Milliseconds that git may take over the GitOps repository. */
const bundleMs = 3_600_000

/**
 * Writes the files below a folder of the data directory, each as far as it was written when its turn came.
 * Answers how many; what is deleted or moved meanwhile is left out.
 */
export async function dumpFolder(
  archive: ArchiveWriter,
  input: { dataDir: string; folder: string },
  signal: AbortSignal,
): Promise<number> {
  let count = 0
  const folders = [input.folder]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesOf(join(input.dataDir, folder))) {
      signal.throwIfAborted()
      // What is half written has a name that nothing else has.
      if (entry.name.includes('~')) continue
      const name = `${folder}/${entry.name}`
      if (entry.isDirectory()) folders.push(name)
      else if (entry.isFile() && (await dumpFile(archive, join(input.dataDir, name), name)))
        count += 1
    }
  }
  return count
}

/** False where there is no such file. */
async function dumpFile(archive: ArchiveWriter, path: string, name: string): Promise<boolean> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  try {
    await archive.put(name, contentOf(file, (await file.stat()).size))
    return true
  } finally {
    await file.close()
  }
}

/** The embedded GitOps repository as one bundle; nothing where it is empty or not there. */
export async function dumpGitOps(
  archive: ArchiveWriter,
  input: { repository: string; scratch: string },
  signal: AbortSignal,
): Promise<boolean> {
  const { repository } = input
  if ((await stat(join(repository, 'HEAD')).catch(() => null)) === null) return false
  const cwd = repository
  const refs = await runGit(['for-each-ref', '--count=1'], { cwd, signal })
  if (refs.code !== 0) throw new Error(`the GitOps repository cannot be read: ${refs.stderr}`)
  if (refs.stdout.length === 0) return false
  const bundle = join(dirname(input.scratch), `.slipway-${randomUUID()}.bundle`)
  try {
    const made = await runGit(['bundle', 'create', '--quiet', bundle, '--all'], {
      cwd,
      signal,
      timeoutMs: bundleMs,
    })
    if (made.code !== 0) throw new Error(`the GitOps repository cannot be packed: ${made.stderr}`)
    return await dumpFile(archive, bundle, bundleName)
  } finally {
    await rm(bundle, { force: true })
    await rm(`${bundle}.lock`, { force: true })
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

async function* contentOf(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    const bytes = Buffer.allocUnsafe(Math.min(readBytes, size - at))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield bytes.subarray(0, bytesRead)
  }
}
