import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'

const chunkBytes = 256 * 1024

/** Streams `size` bytes from `start` on, or as many as there are; leaves the file open. */
export function readRange(file: FileHandle, start: number, size: number): Readable {
  return Readable.from(chunks(file, start, size), { objectMode: false })
}

async function* chunks(file: FileHandle, start: number, size: number) {
  for (let done = 0; done < size;) {
    const wanted = Math.min(chunkBytes, size - done)
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(wanted),
      0,
      wanted,
      start + done,
    )
    if (bytesRead === 0) return
    done += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
