import type { ByteSource } from './byte-source.ts'
import { readIndex, recordBytes } from './line-index.ts'
import type { LogFiles } from './log-files.ts'
import { measure } from './read-lines.ts'
import type { WholeLog } from './receive-log.ts'

const readBytesAtOnce = 256 * 1024

/** The whole lines of a log and the records that are true of them. */
export async function openWholeLog(files: LogFiles, key: string): Promise<WholeLog | null> {
  const opened = await files.open(key)
  if (opened === null) return null
  const { data, index, close } = opened
  try {
    const { bytes } = await measure(data, index)
    const records = index === null ? 0 : (await readIndex(index).last(bytes)).count
    const indexBytes = records * recordBytes
    return {
      bytes,
      indexBytes,
      close,
      async *content() {
        try {
          if (index !== null) yield* pump(index, indexBytes)
          yield* pump(data, bytes)
        } finally {
          await close()
        }
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function* pump(source: ByteSource, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < length;) {
    const piece = await source.read(at, Math.min(readBytesAtOnce, length - at))
    if (piece.length === 0) throw new Error('a log is shorter than it was')
    yield piece
    at += piece.length
  }
}
