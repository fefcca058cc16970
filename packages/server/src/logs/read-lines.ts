import type { ByteSource } from './byte-source.ts'
import { readIndex } from './line-index.ts'
import type { LogChunk, LogRange } from './log-store.ts'
import { countLines, maxLineBytes } from './split-lines.ts'

const newline = 10
const blockBytes = 2 * maxLineBytes

/** A log with its index, at a place in it. */
export interface LineReader {
  /** Goes to the start of the range as the log is now. */
  seek(range: LogRange): Promise<void>
  /**
   * Yields the whole lines there are from here on, but none that ends behind byte `until`; may be
   * called again when more have come.
   */
  drain(signal: AbortSignal, until?: number): AsyncGenerator<LogChunk>
}

/** Lines and bytes of the whole lines that a log has. */
export async function measure(data: ByteSource, index: ByteSource | null) {
  const last = index === null ? null : (await readIndex(index).last(await data.size())).record
  let offset = last?.offset ?? 0
  let lines = (last?.seq ?? 1) - 1
  for (;;) {
    const block = wholeLines(await data.read(offset, blockBytes))
    if (block.length === 0) return { bytes: offset, lines }
    lines += countLines(block)
    offset += block.length
  }
}

export function readLines(data: ByteSource, index: ByteSource | null): LineReader {
  const records = index === null ? null : readIndex(index)
  let after = 0
  let seq = 1
  let offset = 0
  let at = data.modifiedAt

  /** The next piece, without the lines that are not wanted. */
  const take = (data: Buffer, lines: number): LogChunk | null => {
    const first = seq
    seq += lines
    if (seq - 1 <= after) return null
    if (first > after) return { seq: first, lines, at, data }
    let start = 0
    for (let skip = after - first + 1; skip > 0; skip--) start = data.indexOf(newline, start) + 1
    return { seq: after + 1, lines: seq - 1 - after, at, data: data.subarray(start) }
  }

  return {
    async seek(range) {
      after = range.after ?? 0
      if (range.tail !== undefined) {
        const { lines } = await measure(data, index)
        after = Math.max(after, lines - range.tail)
      }
      const record = await records?.seek(after + 1)
      if (record) ({ seq, offset, at } = { ...record, at: new Date(record.at) })
    },
    async *drain(signal, until = Infinity) {
      while (!signal.aborted && offset < until) {
        const block = wholeLines(await data.read(offset, Math.min(blockBytes, until - offset)))
        if (block.length === 0) return
        let done = 0
        for (;;) {
          const record = await records?.next(offset + block.length)
          if (!record) break
          const end = record.offset - offset
          const fits =
            end === done
              ? record.seq === seq
              : end > done && record.seq > seq && block[end - 1] === newline
          // Whatever left a record that is not true of the bytes, lines are counted without it.
          if (!fits) continue
          const chunk = end > done ? take(block.subarray(done, end), record.seq - seq) : null
          done = end
          if (chunk !== null) yield chunk
          at = new Date(record.at)
        }
        const rest = block.subarray(done)
        offset += block.length
        const chunk = rest.length > 0 ? take(rest, countLines(rest)) : null
        if (chunk !== null) yield chunk
      }
    },
  }
}

function wholeLines(block: Buffer): Buffer {
  return block.subarray(0, block.lastIndexOf(newline) + 1)
}
