import type { Log } from '../db/log.ts'
import { hasCode } from '../directories.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { appendLog } from './append-log.ts'
import { createLogHandOver, type HeldLog, type LogHandOver } from './hand-over-log.ts'
import { locateLogs } from './log-files.ts'
import type { LogChunk, LogRange, LogStore } from './log-store.ts'
import { createLogTopics } from './log-topics.ts'
import { measure, readLines } from './read-lines.ts'
import { createLogReceiver, type LogReceiver } from './receive-log.ts'
import { openWholeLog } from './whole-log.ts'
import { writeLog } from './write-log.ts'

export interface FileLogStoreOptions {
  /** Absolute directory for logs being written; on the file system of the object store, if that has one. */
  directory: string
  /** Where sealed logs go. The store does not close it. */
  objects: ObjectStore
  log: Pick<Log, 'error'>
  /** Called when lines of the log are in its file. */
  appended?: (key: string) => void
}

/** The logs of one data directory. */
export interface FileLogStore extends LogStore, LogReceiver, LogHandOver {
  follow(key: string, range: LogRange, signal: AbortSignal): AsyncGenerator<LogChunk, FollowEnd>
  /** Whether the log is written in this process. */
  isWritten(key: string): boolean
  /** Whether the log is in the directory. */
  isLive(key: string): Promise<boolean>
  /** Keys of all logs in the directory under the prefix, written in this process or not. */
  listLive(prefix: string): Promise<string[]>
}

/**
 * Why there is no more to follow: the log has ended; it was read in the object store; its files are
 * no longer in the directory; the follower's signal.
 */
export type FollowEnd = 'ended' | 'sealed' | 'gone' | 'aborted'

/** How often a follower looks for itself at a log that another process writes. */
const lookMs = 250
const readBytesAtOnce = 64 * 1024

/**
 * Logs as files of this machine while they are written, as objects when sealed. Followers read the
 * file, each at its own pace; a writer in the same process only wakes them, so a slow one costs nothing.
 * Open files: two for each writer and each reader.
 */
export function createFileLogStore(options: FileLogStoreOptions): FileLogStore {
  const { directory, objects, log, appended } = options
  const files = locateLogs(directory, objects)
  const topics = createLogTopics()
  /** Null while the log is being opened, or sealed without a writer. */
  const writers = new Map<string, HeldLog | null>()
  const receiver = createLogReceiver({
    files,
    topics,
    claim: (key) => claim(key),
    free: (key) => void writers.delete(key),
  })
  let closed = false

  const claim = (key: string) => {
    if (closed) throw new Error('the log store is closed')
    if (writers.has(key)) throw new Error(`the log ${key} is already being written`)
    writers.set(key, null)
  }

  const openAppender = async (key: string, appended: () => void, isNew = false) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const folders = await (isNew ? files.makeFolder(key) : files.prepare(key))
        return await appendLog({ log, appended }, files.path(key), files.indexPath(key), folders)
      } catch (error) {
        // The end of another log in the same folder may have taken the empty folder away.
        if (!hasCode(error, 'ENOENT') || attempt === 5) throw error
      }
    }
  }

  const sealOne = async (key: string) => {
    claim(key)
    try {
      if (await files.isLive(key)) await (await openAppender(key, () => {})).close()
      await files.seal(key)
      const topic = topics.acquire(key)
      topic.end()
      topics.release(key, topic)
    } finally {
      writers.delete(key)
    }
  }

  return {
    ...receiver,
    ...createLogHandOver({ files, objects, writers, release: receiver.release, claim }),

    async open(key, { marker, isNew, ...options }) {
      files.path(key)
      await receiver.release(key)
      claim(key)
      const topic = topics.acquire(key)
      let isFree = false
      const free = () => {
        if (isFree) return
        isFree = true
        writers.delete(key)
        topic.writing = false
        topic.changed()
        topics.release(key, topic)
      }
      try {
        const changed = () => {
          topic.changed()
          appended?.(key)
        }
        const appender = await openAppender(key, changed, isNew)
        const handOver = async () => {
          try {
            await files.seal(key)
            topic.end()
          } finally {
            free()
          }
        }
        const writer = writeLog({ appender, handOver }, options)
        writers.set(key, { writer, free })
        topic.writing = true
        topic.changed()
        if (marker !== undefined) await writer.note(marker)
        return {
          ...writer,
          end: () => writer.end().finally(() => topic.end()),
          suspend: () => writer.suspend().finally(free),
        }
      } catch (error) {
        await writers.get(key)?.writer.suspend()
        free()
        throw error
      }
    },

    async stat(key) {
      const opened = await files.open(key)
      if (opened === null) return null
      try {
        return { ...(await measure(opened.data, opened.index)), sealed: opened.sealed }
      } finally {
        await opened.close()
      }
    },

    async *read(key, range, signal) {
      const opened = await files.open(key)
      if (opened === null) return
      try {
        const lines = readLines(opened.data, opened.index)
        await lines.seek(range)
        yield* lines.drain(signal, await opened.data.size())
      } finally {
        await opened.close()
      }
    },

    async *follow(key, range, signal): AsyncGenerator<LogChunk, FollowEnd> {
      files.path(key)
      if (closed) return 'aborted'
      const topic = topics.acquire(key)
      let opened: Awaited<ReturnType<typeof files.open>> = null
      let lines: ReturnType<typeof readLines> | null = null
      try {
        while (!signal.aborted) {
          // Seen before the file is read: what comes meanwhile makes the wait return at once.
          const { version, ended } = topic
          const gone = opened !== null && !topic.writing && !(await files.isLive(key))
          if (opened === null) {
            opened = await files.open(key)
            if (opened !== null) {
              lines = readLines(opened.data, opened.index)
              await lines.seek(range)
            }
          }
          if (lines !== null) yield* lines.drain(signal)
          if (ended) return 'ended'
          if (opened?.sealed === true) return 'sealed'
          if (gone) return 'gone'
          await topic.wait(version, signal, topic.writing ? null : lookMs)
        }
        return 'aborted'
      } finally {
        topics.release(key, topic)
        await opened?.close()
      }
    },

    async *readBytes(key, start, end) {
      const opened = await files.open(key)
      if (opened === null) return
      try {
        if (opened.sealed) {
          const stream = await objects.get(key, { start, end })
          if (stream !== null) yield* stream
          return
        }
        for (let at = start; at <= end;) {
          const bytes = await opened.data.read(at, Math.min(readBytesAtOnce, end - at + 1))
          if (bytes.length === 0) return
          yield bytes
          at += bytes.length
        }
      } finally {
        await opened.close()
      }
    },

    async readEnd(key, bytes) {
      const opened = await files.open(key)
      if (opened === null) return null
      try {
        const size = await opened.data.size()
        const start = Math.max(0, size - bytes)
        const data = await opened.data.read(start, size - start)
        const begin = start === 0 ? 0 : data.indexOf('\n') + 1
        const end = Math.max(begin, data.lastIndexOf('\n') + 1)
        return { data: data.subarray(begin, end), isWhole: start === 0 }
      } finally {
        await opened.close()
      }
    },

    openWhole: (key) => openWholeLog(files, key),
    isWritten: (key) => writers.has(key),
    isLive: (key) => files.isLive(key),
    listLive: (prefix) => files.listLive(prefix),

    requireReachable: async () => {},

    async deletePrefix(prefix) {
      await receiver.releaseUnder(prefix)
      for (const [key, open] of writers) {
        if (open === null || !key.startsWith(prefix)) continue
        await open.writer.discard()
        open.free()
      }
      await files.deletePrefix(prefix)
      topics.endUnder(prefix)
    },

    async sealAbandoned(keyOrPrefix) {
      for (const key of await files.listLive(keyOrPrefix)) {
        if (!writers.has(key)) await sealOne(key)
      }
    },

    async listAbandoned(prefix) {
      const live = await files.listLive(prefix)
      return live.filter((key) => !writers.has(key))
    },

    async close() {
      if (closed) return
      closed = true
      await receiver.releaseUnder('')
      await Promise.all([...writers.values()].map(async (open) => open?.writer.suspend()))
      topics.endUnder('')
    },
  }
}
