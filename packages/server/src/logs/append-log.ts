import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Log } from '../db/log.ts'
import { syncPath } from '../directories.ts'
import { openFileSource } from './byte-source.ts'
import { encodeRecord, readIndex, recordBytes } from './line-index.ts'
import { measure } from './read-lines.ts'
import { countLines } from './split-lines.ts'

/** Writes whole lines to the end of a log file, and its index. */
export interface LogAppender {
  readonly bytes: number
  readonly lines: number
  /** Bytes that were given to `append` and are not in the file yet. */
  readonly backlog: number
  /** Why nothing more can be written. */
  readonly failure: Error | null
  /** Resolves when the lines are in the file. What comes while a write is under way goes with the next. */
  append(pieces: readonly Buffer[]): Promise<void>
  /** The last bytes that are in the file, at most `count`. */
  end(count: number): Promise<Buffer>
  /** Writes what is pending and the last record, syncs and closes. Resolves also after a failed write. */
  close(): Promise<void>
}

export interface AppendDeps {
  log: Pick<Log, 'error'>
  /** Called when lines are in the file. */
  appended: () => void
}

const syncMs = 1000
const recordEveryBytes = 64 * 1024
const recordEveryMs = 50
/** The most buffers that one write takes, by POSIX. */
const maxBuffers = 1024
const newline = 10

/**
 * Opens a log file for appending and repairs what a crash left: an unfinished last line is ended, and
 * records that are not true of the file are cut off. `unsynced` are folders that were made for it.
 */
export async function appendLog(
  deps: AppendDeps,
  path: string,
  indexPath: string,
  unsynced: readonly string[] = [],
): Promise<LogAppender> {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const index = await open(indexPath, flags, 0o600)
  try {
    const data = await open(path, flags, 0o600)
    try {
      const end = await repair(data, index, path, indexPath)
      return startAppending(deps, { data, index, folders: [dirname(path), ...unsynced] }, end)
    } catch (error) {
      await data.close()
      throw error
    }
  } catch (error) {
    await index.close()
    throw error
  }
}

async function repair(data: FileHandle, index: FileHandle, path: string, indexPath: string) {
  const { size } = await data.stat()
  if (size > 0) {
    const last = await data.read(Buffer.alloc(1), 0, 1, size - 1)
    if (last.buffer[0] !== newline) await data.write('\n')
  }
  const [dataSource, indexSource] = await Promise.all([path, indexPath].map(openFileSource))
  try {
    if (!dataSource || !indexSource) throw new Error('the log was deleted while it was opened')
    const { count } = await readIndex(indexSource).last(size)
    await index.truncate(count * recordBytes)
    return await measure(dataSource, indexSource)
  } finally {
    await dataSource?.close()
    await indexSource?.close()
  }
}

function startAppending(
  { log, appended }: AppendDeps,
  { data, index, folders }: { data: FileHandle; index: FileHandle; folders: readonly string[] },
  end: { bytes: number; lines: number },
): LogAppender {
  let { bytes, lines } = end
  let recordedBytes = -Infinity
  let recordedAt = -Infinity
  let backlog = 0
  let pending: Buffer[] = []
  /** Settles when what is pending now is in the file. */
  let next: Promise<void> | null = null
  let running = Promise.resolve()
  let failure: Error | null = null
  let areFoldersSynced = false
  let syncTimer: NodeJS.Timeout | null = null

  const record = async (at: number) => {
    await index.write(encodeRecord({ seq: lines + 1, offset: bytes, at }))
    recordedBytes = bytes
    recordedAt = at
  }

  const sync = async () => {
    await Promise.all([data.datasync(), index.datasync()])
    // The files' names, once.
    if (!areFoldersSynced) await Promise.all(folders.map(syncPath))
    areFoldersSynced = true
  }

  const fail = (error: unknown, message: string): Error => {
    failure ??= error instanceof Error ? error : new Error(String(error))
    log.error({ err: error }, message)
    return failure
  }

  const syncLater = () => {
    syncTimer ??= setTimeout(() => {
      sync().then(
        () => {},
        (error: unknown) => void fail(error, 'a step log could not be synced'),
      )
      syncTimer = null
    }, syncMs).unref()
  }

  const flush = async () => {
    const pieces = pending.length > maxBuffers ? [Buffer.concat(pending)] : pending
    pending = []
    next = null
    if (failure !== null) throw failure
    try {
      // Never backwards, whatever the clock does.
      const at = Math.max(recordedAt, Date.now())
      if (bytes - recordedBytes >= recordEveryBytes || at - recordedAt >= recordEveryMs) {
        await record(at)
      }
      await writeAll(data, pieces)
    } catch (error) {
      await data.truncate(bytes).catch(() => {})
      throw fail(error, 'a step log could not be written')
    }
    for (const piece of pieces) {
      bytes += piece.length
      backlog -= piece.length
      lines += countLines(piece)
    }
    appended()
    syncLater()
  }

  return {
    get bytes() {
      return bytes
    },
    get lines() {
      return lines
    },
    get backlog() {
      return backlog
    },
    get failure() {
      return failure
    },
    append(pieces) {
      if (failure !== null) return Promise.reject(failure)
      for (const piece of pieces) backlog += piece.length
      pending.push(...pieces)
      if (next === null) {
        next = running.then(flush)
        running = next.catch(() => {})
      }
      return next
    },
    async end(count) {
      await running
      const length = Math.min(count, bytes)
      const { buffer, bytesRead } = await data.read(Buffer.alloc(length), 0, length, bytes - length)
      return buffer.subarray(0, bytesRead)
    },
    async close() {
      await running
      if (syncTimer !== null) clearTimeout(syncTimer)
      try {
        await record(Math.max(recordedAt, Date.now()))
        await sync()
      } catch (error) {
        fail(error, 'a step log could not be finished')
      } finally {
        await Promise.allSettled([data.close(), index.close()])
      }
    },
  }
}

async function writeAll(file: FileHandle, pieces: readonly Buffer[]): Promise<void> {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return writeRest(file, only)
  const { bytesWritten } = await file.writev(pieces)
  let skip = bytesWritten
  for (const piece of pieces) {
    if (skip < piece.length) await writeRest(file, piece.subarray(skip))
    skip = Math.max(0, skip - piece.length)
  }
}

async function writeRest(file: FileHandle, piece: Buffer): Promise<void> {
  for (let done = 0; done < piece.length;) {
    done += (await file.write(piece, done, piece.length - done)).bytesWritten
  }
}
