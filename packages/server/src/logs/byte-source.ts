import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { hasCode } from '../directories.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Bytes that can be read anywhere, in a file or in the object store. */
export interface ByteSource {
  size(): Promise<number>
  /** Bytes from `start`; fewer than `length` only where they end. */
  read(start: number, length: number): Promise<Buffer>
  /** When it was last written. */
  readonly modifiedAt: Date
  close(): Promise<void>
}

/** Null when there is no such file. An open one stays readable when it is moved or deleted. */
export async function openFileSource(path: string): Promise<ByteSource | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    const { mtime } = await file.stat()
    return {
      modifiedAt: mtime,
      size: async () => (await file.stat()).size,
      async read(start, length) {
        const bytes = Buffer.allocUnsafe(length)
        let filled = 0
        while (filled < length) {
          const { bytesRead } = await file.read(bytes, filled, length - filled, start + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return bytes.subarray(0, filled)
      },
      close: () => file.close(),
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  }
}

/** Null when there is no such object. */
export async function openObjectSource(
  objects: ObjectStore,
  key: string,
): Promise<ByteSource | null> {
  const found = await objects.head(key)
  if (found === null) return null
  return {
    modifiedAt: found.modifiedAt,
    size: async () => found.size,
    async read(start, length) {
      if (start >= found.size) return Buffer.alloc(0)
      const stream = await objects.get(key, { start, end: start + length - 1 })
      return stream === null ? Buffer.alloc(0) : buffer(stream)
    },
    close: async () => {},
  }
}
