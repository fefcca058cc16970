import { constants } from 'node:fs'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Pack, pack as createPack } from 'tar-stream'
import { AppError } from '../errors.ts'
import { readRange } from './read-range.ts'

/** What goes into an archive: a file or folder of this machine, or files in memory. */
export type TarSource = { path: string } | { files: readonly TarFile[] }

export interface TarFile {
  /** Path in the archive, with `/` between its parts. */
  name: string
  content: Buffer | string
}

/** Files, folders and links of one archive. */
const maxEntries = 200_000

/**
 * A tar archive that depends on nothing but names, contents, symbolic links and whether a file may be
 * executed: entries are in order, and times, owners and other rights are always the same. Of a folder
 * it holds what is in it; of a file, the file. Links are kept as they are and never followed.
 *
 * The stream must be consumed or destroyed. It fails with AppError `invalid_request` on sockets,
 * pipes and devices, and when a file changes its size meanwhile.
 */
export function packTar(source: TarSource, signal: AbortSignal): Readable {
  const pack = createPack()
  const stopping = new AbortController()
  pack.once('close', () => stopping.abort())
  const stopped = AbortSignal.any([signal, stopping.signal])
  const writing =
    'files' in source ? writeFiles(pack, source.files) : writePath(pack, source.path, stopped)
  writing.then(
    () => pack.finalize(),
    (error: unknown) => pack.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  return Readable.from(pack, { objectMode: false, signal })
}

/** As `packTar`, compressed; of equal content equal bytes with one version of zlib. */
export function packTarGz(source: TarSource, signal: AbortSignal): Readable {
  const gzip = createGzip({ level: 6 })
  // Its failure destroys the stream that is handed out.
  pipeline(packTar(source, signal), gzip, { signal }).catch(() => {})
  return gzip
}

const always = { uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) }

async function writeFiles(pack: Pack, files: readonly TarFile[]): Promise<void> {
  for (const { name, content } of files.toSorted(byName)) {
    await new Promise<void>((resolve, reject) => {
      pack.entry({ name, mode: 0o644, ...always }, content, (error) =>
        error ? reject(error) : resolve(),
      )
    })
  }
}

async function writePath(pack: Pack, path: string, signal: AbortSignal): Promise<void> {
  const count = { left: maxEntries }
  const found = await lstat(path)
  if (found.isDirectory()) await writeFolder(pack, path, '', count, signal)
  else await writeEntry(pack, path, basename(path), count, signal)
}

async function writeFolder(
  pack: Pack,
  folder: string,
  prefix: string,
  count: { left: number },
  signal: AbortSignal,
): Promise<void> {
  const entries = await readdir(folder)
  for (const name of entries.toSorted()) {
    await writeEntry(pack, join(folder, name), prefix + name, count, signal)
  }
}

async function writeEntry(
  pack: Pack,
  path: string,
  name: string,
  count: { left: number },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  count.left -= 1
  if (count.left < 0) {
    throw new AppError('invalid_request', `There are more than ${maxEntries} files to be packed`)
  }
  const found = await lstat(path)
  if (found.isSymbolicLink()) {
    const linkname = await readlink(path)
    return writeHeader(pack, { name, linkname, type: 'symlink', mode: 0o777 })
  }
  if (found.isDirectory()) {
    await writeHeader(pack, { name: `${name}/`, type: 'directory', mode: 0o755 })
    return writeFolder(pack, path, `${name}/`, count, signal)
  }
  if (!found.isFile()) {
    throw new AppError('invalid_request', `${name} is neither a file nor a folder nor a link`)
  }
  return writeFile(pack, path, name, signal)
}

type HeaderOnly = Parameters<Pack['entry']>[0]

function writeHeader(pack: Pack, header: HeaderOnly): Promise<void> {
  return new Promise((resolve, reject) => {
    pack.entry({ ...header, size: 0, ...always }, (error) => (error ? reject(error) : resolve()))
  })
}

async function writeFile(
  pack: Pack,
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new AppError('invalid_request', `${name} is no longer a file`)
    const mode = (found.mode & 0o100) === 0 ? 0o644 : 0o755
    const entry = pack.entry({ name, size: found.size, mode, ...always })
    try {
      // One byte more than it should have tells that it grew.
      await pipeline(readRange(file, 0, found.size + 1), entry, { signal })
    } catch (error) {
      signal.throwIfAborted()
      throw changed(error, name)
    }
  } finally {
    await file.close()
  }
}

/** A file that grew or shrank is told by the library as a mismatch of sizes. */
function changed(error: unknown, name: string): unknown {
  const isMismatch = error instanceof Error && /size mismatch/i.test(error.message)
  return isMismatch ? new AppError('invalid_request', `${name} changed while it was packed`) : error
}

function byName(a: TarFile, b: TarFile): number {
  return a.name < b.name ? -1 : 1
}
