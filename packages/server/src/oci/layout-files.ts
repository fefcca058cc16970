import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { hasCode } from '../directories.ts'
import { AppError } from '../errors.ts'
import { readRange } from './read-range.ts'
import { readTarIndex, type TarEntry } from './tar-index.ts'

/** The files of an image layout, wherever it is; names have `/` between their parts. */
export interface LayoutFiles {
  /** Bytes of a file; null when there is none, or when it is anything but a file. */
  size(name: string): Promise<number | null>
  /** Must be consumed or destroyed; only for what `size` knows. */
  open(name: string): Promise<Readable>
  /** What a link leads to; null when the name is no link. Folders on disk have none that count. */
  linkTarget(name: string): string | null
  close(): Promise<void>
}

/** Opens a folder or a tar archive; nothing outside of it is ever read, wherever its links lead. */
export async function openLayoutFiles(path: string, signal: AbortSignal): Promise<LayoutFiles> {
  const file = await openUnfollowed(path)
  if (file === null) {
    throw new AppError('invalid_request', 'The image is not there, or is a link')
  }
  try {
    const found = await file.stat()
    if (found.isDirectory()) {
      await file.close()
      return filesOfFolder(await realpath(path))
    }
    if (!found.isFile()) {
      throw new AppError(
        'invalid_request',
        'An image is a folder or an archive, and this is neither',
      )
    }
    await refuseCompressed(file)
    return filesOfArchive(file, await readTarIndex(file, signal))
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Null where there is nothing, or a link, a socket or the like. */
async function openUnfollowed(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) return null
    throw error
  }
}

/** The whole of a small file. AppError `invalid_request` when it is missing or larger. */
export async function readSmallFile(
  files: LayoutFiles,
  name: string,
  maxBytes: number,
): Promise<Buffer> {
  const size = await files.size(name)
  if (size === null) throw new AppError('invalid_request', `The image lacks the file ${name}`)
  if (size > maxBytes) {
    throw new AppError('invalid_request', `${name} of the image is larger than ${maxBytes} bytes`)
  }
  return buffer(await files.open(name))
}

async function refuseCompressed(file: FileHandle): Promise<void> {
  const magic = Buffer.alloc(4)
  await file.read(magic, 0, 4, 0)
  const isGzip = magic[0] === 0x1f && magic[1] === 0x8b
  if (!isGzip && magic.readUInt32LE(0) !== 0xfd2fb528) return
  throw new AppError(
    'invalid_request',
    'The archive of the image is compressed; leave it uncompressed, its layers are small already',
  )
}

function filesOfFolder(root: string): LayoutFiles {
  /** Every part is looked at, so no link among the folders leads anywhere else. */
  const openFile = async (name: string): Promise<FileHandle | null> => {
    const path = join(root, name)
    if (!path.startsWith(root + sep)) return null
    const folder = await realpath(dirname(path)).catch(() => null)
    if (folder !== dirname(path)) return null
    const file = await openUnfollowed(path)
    if (file === null || (await file.stat()).isFile()) return file
    await file.close()
    return null
  }
  return {
    async size(name) {
      const file = await openFile(name)
      if (file === null) return null
      try {
        return (await file.stat()).size
      } finally {
        await file.close()
      }
    },
    async open(name) {
      const file = await openFile(name)
      if (file === null) throw new AppError('invalid_request', `The image lacks the file ${name}`)
      return file.createReadStream()
    },
    linkTarget: () => null,
    close: async () => {},
  }
}

function filesOfArchive(file: FileHandle, entries: ReadonlyMap<string, TarEntry>): LayoutFiles {
  return {
    async size(name) {
      const entry = entries.get(name)
      return entry?.type === 'file' ? entry.size : null
    },
    async open(name) {
      const entry = entries.get(name)
      if (entry?.type !== 'file') {
        throw new AppError('invalid_request', `The image lacks the file ${name}`)
      }
      return readRange(file, entry.offset, entry.size)
    },
    linkTarget(name) {
      const entry = entries.get(name)
      return entry?.type === 'link' ? entry.target : null
    },
    close: () => file.close(),
  }
}
