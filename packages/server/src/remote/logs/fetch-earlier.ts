import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { type LogApi, LogAway, type LogOwner, LogRefused } from './ask-for-logs.ts'
import type { Size } from './ship-log.ts'

const retryMs = 250

/**
 * Puts what the servers have of a log into its files here, and answers how much that is; or the line that
 * stands for it where it cannot be had. A server that does not answer is asked again until `signal` aborts.
 */
export async function fetchEarlier(
  api: LogApi,
  { workerId, key, path }: LogOwner & { path: string },
  signal: AbortSignal,
): Promise<{ known?: Size; missing: string | null }> {
  for (;;) {
    try {
      const earlier = await api.get({ workerId, key }, signal)
      if (earlier === null) return { missing: null }
      const { bytes, indexBytes, body } = earlier
      await writeFiles(path, body, { bytes, indexBytes })
      return { known: { bytes, indexBytes }, missing: null }
    } catch (error) {
      if (error instanceof LogAway) {
        return {
          missing: '--- what was written before this is on a server that cannot be asked ---',
        }
      }
      if (signal.aborted || error instanceof LogRefused) throw error
      await pause(retryMs, undefined, { signal })
    }
  }
}

/** The log gets its name when it is whole. */
async function writeFiles(path: string, body: Readable, size: Size): Promise<void> {
  const scratch = `${path}~`
  const opened: FileHandle[] = []
  const create = async (name: string) => {
    const file = await open(name, 'w', 0o600)
    opened.push(file)
    return file
  }
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const index = await create(`${path}.idx`)
    const data = await create(scratch)
    let left = size.indexBytes
    let bytes = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const records = chunk.subarray(0, left)
      const lines = chunk.subarray(records.length)
      left -= records.length
      bytes += lines.length
      if (records.length > 0) await index.writeFile(records)
      if (lines.length > 0) await data.writeFile(lines)
    }
    if (left > 0 || bytes !== size.bytes) throw new Error('a log was cut off on its way')
    await data.datasync()
    await rename(scratch, path)
  } finally {
    body.destroy()
    await Promise.all(opened.map((file) => file.close()))
    await unlink(scratch).catch(() => undefined)
  }
}
