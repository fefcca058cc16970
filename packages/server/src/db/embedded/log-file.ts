import { open, rename, stat } from 'node:fs/promises'

const largestBytes = 1_000_000

/** Keeps one older file and starts afresh when the file has grown large. */
export async function rotateLog(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size > largestBytes) await rename(path, `${path}.1`)
}

/** What was written behind `start`, its last 2,000 bytes at most, on one line. */
export async function readLogTail(path: string, start: number): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const from = Math.max(start, size - 2_000)
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.max(size - from, 1)),
      0,
      undefined,
      from,
    )
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    return (
      lines
        .map((line) => line.trim())
        .filter(Boolean)
        .join('; ') || 'it said nothing'
    )
  } finally {
    await file.close()
  }
}
