import type { FileHandle } from 'node:fs/promises'

/**
 * Writes `bytes` at `offset`, which is not behind the end. What of them is there already stays; from where
 * they differ on, they are right. Answers the new length.
 */
export async function extendFile(
  file: FileHandle,
  size: number,
  offset: number,
  bytes: Buffer,
): Promise<number> {
  const overlap = Math.min(size - offset, bytes.length)
  let same = overlap
  if (overlap > 0) {
    const there = Buffer.allocUnsafe(overlap)
    await readFully(file, there, offset)
    same = commonLength(there, bytes)
  }
  if (same === bytes.length) return size
  if (same < overlap) await file.truncate(offset + same)
  for (let done = same; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten
  }
  return offset + bytes.length
}

async function readFully(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done)
    if (bytesRead === 0) throw new Error('a log is shorter than it was')
    done += bytesRead
  }
}

function commonLength(there: Buffer, given: Buffer): number {
  if (there.equals(given.subarray(0, there.length))) return there.length
  let same = 0
  while (there[same] === given[same]) same++
  return same
}
