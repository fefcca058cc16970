import { AppError } from '../errors.ts'
import type { LogChunk, LogRange, LogStore } from '../logs/index.ts'

/** What every build's log begins with, without its time. */
const createdLine = 'Pipeline run created. Waiting for execution.'

/** Bytes of a log that a build object shows at most. */
const shownBytes = 65_536

export function buildLogKey(buildId: number): string {
  return `builds/${buildId}/logs/build.log`
}

/** A build's log: the line of its creation, which is line 1, and behind it those of the file. */
export interface BuildLog {
  /** Length of the whole, as it is now. */
  size(): Promise<number>
  /** The lines of `range`; of one with `follow`, also those to come, until the file is sealed or `signal` aborts. */
  lines(range: LogRange & { follow?: boolean }, signal: AbortSignal): AsyncIterable<LogChunk>
  /** Bytes `start..end`, inclusive. */
  bytes(start: number, end: number): AsyncIterable<Buffer>
}

/** Opens nothing yet: a log may be read before there is a file. */
export function openBuildLog(
  { logs }: { logs: LogStore },
  build: { id: number; startedAt: Date },
): BuildLog {
  const key = buildLogKey(build.id)
  const first = Buffer.from(`[${build.startedAt.toISOString()}] ${createdLine}\n`)
  return {
    async size() {
      return first.length + ((await logs.stat(key))?.bytes ?? 0)
    },

    async *lines({ follow = false, ...range }, signal) {
      // Of the last lines, the first one is among them only where the file has fewer.
      const inFile = range.tail === undefined ? 0 : ((await logs.stat(key))?.lines ?? 0)
      const from = Math.max(
        range.after ?? 0,
        range.tail === undefined ? 0 : inFile + 1 - range.tail,
      )
      if (from < 1) yield { seq: 1, lines: 1, at: build.startedAt, data: first }
      const rest = { after: Math.max(0, from - 1) }
      const chunks = follow ? logs.follow(key, rest, signal) : logs.read(key, rest, signal)
      for await (const chunk of chunks) yield { ...chunk, seq: chunk.seq + 1 }
    },

    async *bytes(start, end) {
      if (start < first.length) yield first.subarray(start, end + 1)
      if (end < first.length) return
      yield* logs.readBytes(key, Math.max(0, start - first.length), end - first.length)
    },
  }
}

/** What a build object shows of its log: its last 64 KiB, from the beginning of a line on. */
export async function readLogTail(
  { logs }: { logs: LogStore },
  buildId: number,
): Promise<{ logs: string; logs_truncated: boolean }> {
  const begin = `${createdLine}\n`
  const end = await logs.readEnd(buildLogKey(buildId), shownBytes).catch(tellAway)
  const text = end?.data.toString('utf8') ?? ''
  const fits = end === null || (end.isWhole && end.data.length + begin.length <= shownBytes)
  return { logs: fits ? begin + text : text, logs_truncated: !fits }
}

/** A build is shown also where its log cannot be had just now, and says so in the log's place. */
function tellAway(error: unknown): { data: Buffer; isWhole: boolean } {
  if (!(error instanceof AppError) || error.code !== 'unavailable') throw error
  return { data: Buffer.from(`${error.message}.\n`), isWhole: false }
}
