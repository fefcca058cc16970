import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../db/log.ts'
import { hasCode } from '../../directories.ts'
import { decodeRecord, type LogPiece, recordBytes } from '../../logs/index.ts'
import { type LogApi, LogRefused } from './ask-for-logs.ts'

/**
 * Whether a server has all of the log; what is missing may come later; or nothing more is taken, since the log
 * is no longer this worker's.
 */
export type Shipped = 'shipped' | 'later' | 'refused'

/** Brings one log that is written here to the servers, as it grows. */
export interface LogShipper {
  /** The file has more lines. */
  grown(): void
  /**
   * Resolves when a server has all that is in the file now and knows what becomes of the writer, or when that
   * cannot be, or `signal` aborts.
   */
  ship(writer: LogPiece['writer'], signal: AbortSignal): Promise<Shipped>
  /** As `ship`, and then has the server hand the log to the object store. */
  seal(signal: AbortSignal): Promise<Shipped>
  /** Stops in the middle. */
  close(): Promise<void>
}

/** Bytes of the log in one piece: less than a server takes, with room for the index. */
const pieceBytes = 1024 * 1024
const indexBytesAtOnce = 64 * 1024 - ((64 * 1024) % recordBytes)
const firstPauseMs = 100
const longestPauseMs = 5_000

const nothing: Size = { bytes: 0, indexBytes: 0 }

export interface Size {
  bytes: number
  indexBytes: number
}

export interface ShippedLog {
  key: string
  workerId: string
  path: string
  known?: Size
}

export interface ShipLogDeps {
  api: LogApi
  log: Log
}

/**
 * `path` is the file of the log, and `path`.idx that of its index. `known` is what the server had when it was
 * asked last; it may have less by now.
 */
export function shipLog(
  { api, log }: ShipLogDeps,
  { key, workerId, path, known = nothing }: ShippedLog,
): LogShipper {
  const owner = { workerId, key }
  const closing = new AbortController()
  /** What the server has, as far as it has told. */
  let there = known
  /** What is here, as of the last piece. */
  let here = nothing
  let wanted: LogPiece['writer'] = 'writing'
  let isDirty = false
  /** Nothing more can be sent. */
  let isOver = false
  let running: Promise<void> | null = null
  let pauseMs = firstPauseMs

  const waitLonger = async () => {
    await pause(pauseMs, undefined, { signal: closing.signal })
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }

  /** Sends one piece. Answers whether all was sent that there is. */
  const sendPiece = async (files: Files): Promise<boolean> => {
    const { piece, size, isLast } = await readPiece(files, there, wanted)
    here = size
    const state = await api.put(owner, piece)
    const isStuck = state.bytes <= there.bytes && state.indexBytes <= there.indexBytes
    there = { bytes: state.bytes, indexBytes: state.indexBytes }
    const end = piece.offset + piece.data.length
    const indexEnd = piece.indexOffset + piece.index.length
    if (isLast && there.bytes >= end && there.indexBytes >= indexEnd) return true
    // A server that begins anew is one thing, one that never gets further another.
    if (isStuck) await waitLonger()
    else pauseMs = firstPauseMs
    return false
  }

  const sendAll = async () => {
    const files = await openFiles(path)
    try {
      while (isDirty) {
        isDirty = false
        while (!(await sendPiece(files))) closing.signal.throwIfAborted()
      }
      pauseMs = firstPauseMs
    } finally {
      await files.close()
    }
  }

  const run = async () => {
    while (isDirty && !isOver && !closing.signal.aborted) {
      try {
        await sendAll()
      } catch (error) {
        if (closing.signal.aborted) return
        isDirty = true
        isOver = error instanceof LogRefused || hasCode(error, 'ENOENT')
        log.warn(
          { err: error, key },
          isOver ? 'a log is no longer this worker’s' : 'a log cannot be sent at the moment',
        )
        if (!isOver) await waitLonger().catch(() => {})
      }
    }
  }

  const wake = () => {
    if (isOver || closing.signal.aborted) return
    isDirty = true
    running ??= run().finally(() => {
      running = null
      if (isDirty) wake()
    })
  }

  const ship = async (writer: LogPiece['writer'], signal: AbortSignal): Promise<Shipped> => {
    wanted = writer
    wake()
    const late = aborted(signal)
    while (running !== null && !signal.aborted) await Promise.race([running, late])
    return isOver ? 'refused' : isDirty || running !== null ? 'later' : 'shipped'
  }

  return {
    grown: wake,
    ship,
    async seal(signal) {
      for (;;) {
        const shipped = await ship('ended', signal)
        if (shipped !== 'shipped') return shipped
        try {
          const state = await api.seal(owner, here)
          if (state.sealed) return 'shipped'
          there = { bytes: state.bytes, indexBytes: state.indexBytes }
        } catch (error) {
          if (error instanceof LogRefused) return 'refused'
          if (signal.aborted || closing.signal.aborted) return 'later'
          log.warn({ err: error, key }, 'a log cannot be sealed at the moment')
          await waitLonger().catch(() => {})
        }
      }
    },
    async close() {
      closing.abort()
      await running
    },
  }
}

interface Files {
  data: FileHandle
  index: FileHandle
  close(): Promise<void>
}

async function openFiles(path: string): Promise<Files> {
  const data = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const index = await open(`${path}.idx`, constants.O_RDONLY | constants.O_NOFOLLOW)
    return {
      data,
      index,
      close: async () => void (await Promise.all([data.close(), index.close()])),
    }
  } catch (error) {
    await data.close()
    throw error
  }
}

/** What comes behind what the server has: whole lines, and the records that speak of them. */
async function readPiece(
  { data, index }: Files,
  there: Size,
  writer: LogPiece['writer'],
): Promise<{ piece: LogPiece; size: Size; isLast: boolean }> {
  const [bytes, indexBytes] = await Promise.all([sizeOf(data), sizeOf(index)])
  // A server may have the beginning of a line that was never ended here.
  const offset = Math.min(there.bytes, bytes)
  const indexOffset = Math.min(there.indexBytes, indexBytes)
  const read = await readAt(data, offset, Math.min(pieceBytes, bytes - offset))
  const isAll = offset + read.length === bytes
  const whole = isAll ? read : read.subarray(0, read.lastIndexOf(10) + 1)
  const records = await readAt(
    index,
    indexOffset,
    Math.min(indexBytesAtOnce, indexBytes - indexOffset),
  )
  // Of a log that grows the last record speaks of what is still to come.
  const isGrowing = !isAll || writer === 'writing'
  let used = 0
  while (used + recordBytes <= records.length) {
    if (isGrowing && decodeRecord(records, used).offset >= offset + whole.length) break
    used += recordBytes
  }
  const isLast = isAll && (isGrowing || indexOffset + used + recordBytes > indexBytes)
  return {
    piece: {
      offset,
      indexOffset,
      data: whole,
      index: records.subarray(0, used),
      writer: isLast ? writer : 'writing',
    },
    size: { bytes, indexBytes: indexBytes - (indexBytes % recordBytes) },
    isLast,
  }
}

async function sizeOf(file: FileHandle): Promise<number> {
  return (await file.stat()).size
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
