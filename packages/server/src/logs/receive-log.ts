import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode, syncPath } from '../directories.ts'
import { AppError } from '../errors.ts'
import { extendFile } from './extend-file.ts'
import type { LogFiles } from './log-files.ts'
import type { LogTopic, LogTopics } from './log-topics.ts'

/** How much of a log there is here. */
export interface ReceivedLog {
  bytes: number
  /** Of its index of lines. */
  indexBytes: number
  sealed: boolean
}

/** What was added to a log elsewhere, with the records of its index. */
export interface LogPiece {
  /** Where in the log `data` begins, and in the index `index`. */
  offset: number
  indexOffset: number
  data: Buffer
  index: Buffer
  /**
   * What its writer does behind this: goes on; has stopped, and somebody may go on; has ended, and with it the
   * log. With the last two, all is on disk when `receive` resolves.
   */
  writer: 'writing' | 'paused' | 'ended'
}

/**
 * Logs that are written on another machine, where the truth is: what is kept here follows it, and is
 * read as any log that is being written. Pieces may come twice or late; one that does not go on from what
 * is here changes nothing, and the answer says where to go on from. One piece of a log after the other.
 */
export interface LogReceiver {
  /** Rejects with `resource_conflict` while the log is written in this process. */
  receive(key: string, piece: LogPiece): Promise<ReceivedLog>
  /**
   * Hands the log to the object store if all of it is here; else answers what is. `whole` is its full length;
   * what goes beyond is cut off, having been the end of a line that was never ended.
   */
  sealReceived(key: string, whole: { bytes: number; indexBytes: number }): Promise<ReceivedLog>
  /** The whole lines that there are, for whoever goes on with the log; null where there are none. */
  openWhole(key: string): Promise<WholeLog | null>
}

/** A log with its index, as long as they are at this moment. */
export interface WholeLog {
  bytes: number
  indexBytes: number
  /** The index, and behind it the log. Frees the files at its end. */
  content(): AsyncGenerator<Buffer>
  close(): Promise<void>
}

/** A log that is open for pieces. */
interface OpenReceived {
  /** Closes the files when the piece that is being written is in them. */
  suspend(): Promise<void>
}

interface ReceiverControl {
  /** Closes the log if it is open for pieces: somebody here goes on with it. */
  release(key: string): Promise<void>
  /** The same of all under the prefix; `''`: of all. */
  releaseUnder(prefix: string): Promise<void>
}

/** Milliseconds without a piece after which a log is no longer kept open. */
const idleMs = 60_000

interface Received extends OpenReceived {
  readonly isClosing: boolean
  run<T>(work: (files: Opened) => Promise<T>): Promise<T>
}

interface Opened {
  data: FileHandle
  index: FileHandle
  bytes: number
  indexBytes: number
}

export function createLogReceiver(deps: {
  files: LogFiles
  topics: LogTopics
  /** Makes the log this one's to write, or throws. */
  claim: (key: string) => void
  free: (key: string) => void
  idleMs?: number
}): Pick<LogReceiver, 'receive' | 'sealReceived'> & ReceiverControl {
  const { files, topics, claim, free } = deps
  const open = new Map<string, { received: Received; topic: LogTopic }>()

  const keep = async (key: string) => {
    for (let known = open.get(key); known !== undefined; known = open.get(key)) {
      if (!known.received.isClosing) return known
      await known.received.suspend()
    }
    const topic = topics.acquire(key)
    const received = openReceived({ files, idleMs: deps.idleMs ?? idleMs }, key, () => {
      open.delete(key)
      free(key)
      topic.writing = false
      topic.changed()
      topics.release(key, topic)
    })
    try {
      claim(key)
    } catch (error) {
      topics.release(key, topic)
      throw new AppError('resource_conflict', 'This log is being written by the server itself', {
        cause: String(error),
      })
    }
    topic.writing = true
    const entry = { received, topic }
    open.set(key, entry)
    return entry
  }

  const withOpen = async <T>(key: string, work: (files: Opened) => Promise<T>) => {
    for (;;) {
      const { received, topic } = await keep(key)
      // Another piece may have been the last one.
      if (!received.isClosing) {
        return { received, topic, result: await received.run(work) }
      }
    }
  }

  /** The answer to a request that was carried out before, or that comes to where the log is not. */
  const sealedBefore = async (key: string, whole: { bytes: number; indexBytes: number }) => {
    await files.seal(key)
    const found = await files.open(key)
    try {
      const isWhole = found !== null && (await found.data.size()) >= whole.bytes
      return isWhole ? { ...whole, sealed: true } : { bytes: 0, indexBytes: 0, sealed: false }
    } finally {
      await found?.close()
    }
  }

  return {
    async receive(key, piece) {
      files.path(key)
      if (piece.offset > 0 && !open.has(key) && !(await files.isLive(key))) {
        return { bytes: 0, indexBytes: 0, sealed: false }
      }
      const { received, topic, result } = await withOpen(key, async (opened) => {
        const fits = piece.offset <= opened.bytes && piece.indexOffset <= opened.indexBytes
        if (fits) {
          const { index, data, indexOffset, offset } = piece
          opened.indexBytes = await extendFile(opened.index, opened.indexBytes, indexOffset, index)
          opened.bytes = await extendFile(opened.data, opened.bytes, offset, data)
        }
        if (piece.writer !== 'writing') await sync(opened, files.path(key))
        return { bytes: opened.bytes, indexBytes: opened.indexBytes, sealed: false, fits }
      })
      const { fits, ...told } = result
      if (fits && piece.writer === 'ended') topic.end()
      else topic.changed()
      if (fits && piece.writer !== 'writing') await received.suspend()
      return told
    },

    async sealReceived(key, whole) {
      files.path(key)
      if (!open.has(key) && !(await files.isLive(key))) return sealedBefore(key, whole)
      const { received, topic, result } = await withOpen(key, async (opened) => {
        const { bytes, indexBytes } = opened
        const isWhole = bytes >= whole.bytes && indexBytes >= whole.indexBytes
        if (!isWhole) return { bytes, indexBytes, sealed: false }
        if (bytes > whole.bytes) await opened.data.truncate(whole.bytes)
        if (indexBytes > whole.indexBytes) await opened.index.truncate(whole.indexBytes)
        await sync(opened, files.path(key))
        return { ...whole, sealed: true }
      })
      if (!result.sealed) return result
      await received.suspend()
      await files.seal(key)
      topic.end()
      return result
    },

    async release(key) {
      await open.get(key)?.received.suspend()
    },

    async releaseUnder(prefix) {
      const under = [...open].filter(([key]) => key.startsWith(prefix))
      await Promise.all(under.map(([, { received }]) => received.suspend()))
    },
  }
}

function openReceived(
  deps: { files: LogFiles; idleMs: number },
  key: string,
  closed: () => void,
): Received {
  const { files } = deps
  let opening: Promise<Opened> | null = null
  let running: Promise<unknown> = Promise.resolve()
  let isClosed = false
  let timer: NodeJS.Timeout | null = null

  const suspend = () => {
    if (timer !== null) clearTimeout(timer)
    if (isClosed) return running.then(() => {})
    isClosed = true
    running = running.then(async () => {
      const opened = await opening?.catch(() => null)
      await Promise.allSettled([opened?.data.close(), opened?.index.close()])
      closed()
    })
    return running.then(() => {})
  }

  return {
    get isClosing() {
      return isClosed
    },
    suspend,
    run(work) {
      if (timer !== null) clearTimeout(timer)
      const result = running.then(async () => {
        opening ??= openFiles(files, key)
        return work(await opening)
      })
      running = result.then(
        () => {
          if (isClosed) return
          timer = setTimeout(() => void suspend(), deps.idleMs).unref()
        },
        // What is in the files is looked at anew by the next.
        () => void suspend(),
      )
      return result
    },
  }
}

async function openFiles(files: LogFiles, key: string): Promise<Opened> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  for (let attempt = 1; ; attempt++) {
    try {
      await files.makeFolder(key)
      const index = await open(files.indexPath(key), flags, 0o600)
      try {
        const data = await open(files.path(key), flags, 0o600)
        const [bytes, indexBytes] = await Promise.all([sizeOf(data), sizeOf(index)])
        return { data, index, bytes, indexBytes }
      } catch (error) {
        await index.close()
        throw error
      }
    } catch (error) {
      // The end of another log in the same folder may have taken the empty folder away.
      if (!hasCode(error, 'ENOENT') || attempt === 5) throw error
    }
  }
}

async function sizeOf(file: FileHandle): Promise<number> {
  return (await file.stat()).size
}

async function sync({ data, index }: Opened, path: string): Promise<void> {
  await Promise.all([data.datasync(), index.datasync(), syncPath(dirname(path))])
}
