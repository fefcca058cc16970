import type { StampForm } from './stamp-lines.ts'

/**
 * Step logs while they are written and after. A line has a sequence number from 1,
 * dense in its log and the same for ever, and the time at which it arrived.
 * A line is in the file before anyone is shown it, so a follower never sees one
 * that a crash takes away; it is synced to disk every second and at the close.
 *
 * Keys are those of the object store: `pipeline-runs/{run_id}/logs/{phase}/{project}/{step}.log`.
 * One writer a key at a time; any number of readers, who hold no lock and need no writer.
 */
export interface LogStore {
  /** Opens a log for appending; an existing one is continued (a torn last line is ended first). */
  open(key: string, options: OpenLogOptions): Promise<LogWriter>
  /** Null when there is no such log (yet). */
  stat(key: string): Promise<LogStat | null>
  /** The lines of `range`, as bytes of whole lines each ending in "\n". Empty when there are none. */
  read(key: string, range: LogRange, signal: AbortSignal): AsyncIterable<LogChunk>
  /** Like `read`, then goes on with what is appended until the log is sealed or `signal` aborts. */
  follow(key: string, range: LogRange, signal: AbortSignal): AsyncIterable<LogChunk>
  /** Bytes `start..end` (inclusive) of the log as stored, for HTTP ranges. */
  readBytes(key: string, start: number, end: number): AsyncIterable<Buffer>
  /** The last whole lines, of at most so many bytes together; null when there is no such log (yet). */
  readEnd(key: string, bytes: number): Promise<{ data: Buffer; isWhole: boolean } | null>
  /**
   * Rejects with `unavailable` where the log is on a server that cannot be asked, as reading it would after
   * its reader was told that there is something to read.
   */
  requireReachable(key: string): Promise<void>
  /** Deletes every log under the prefix, sealed or not. */
  deletePrefix(prefix: string): Promise<void>
  /** Seals what dead writers of this data directory left open: one log, or all under a prefix ending in `/`. */
  sealAbandoned(keyOrPrefix: string): Promise<void>
  /** Keys below `prefix`, which ends in `/`, of unsealed logs of this data directory that nobody writes here. */
  listAbandoned(prefix: string): Promise<string[]>
  close(): Promise<void>
}

export interface OpenLogOptions {
  /** Values that never reach the log, in any of the encodings a tool might print them in. */
  secrets: readonly string[]
  /** No log of this key was ever sealed, so that none is looked for in the object store, which may be away. */
  isNew?: boolean
  /** A line of our own that goes first, e.g. that a second attempt begins. */
  marker?: string
  /**
   * Every line of this writer, `marker` and notes too, begins with `[<ISO 8601 with milliseconds>] `, or
   * without the brackets where it is `plain`.
   */
  stampLines?: boolean | StampForm
  /** What stamps say, in milliseconds since 1970, where what is written is older than that. Default: now. */
  clock?: () => number
  /**
   * All that is written, notes too, has been written before in this order, at least in part, by whoever had
   * the log open until they died: as many lines as the log has are left out. `suspend` leaves out a line
   * that has not ended.
   */
  replayed?: boolean
}

export interface LogWriter {
  /**
   * Appends output as it came; lines may be split anywhere, also inside a secret. Whole lines are written
   * at once, together with what came while the write before them was under way; a partial last line waits
   * for its end, or until it is 64 KiB long, where it is broken in two. Returns a promise, to be awaited
   * before the next write, when more than 512 KiB is not in the file yet. Rejects after a failed write.
   */
  write(chunk: Buffer): void | Promise<void>
  /**
   * Appends one line of our own; it goes before a partial last line. Resolves when it is in the file,
   * and with it all whole lines before it.
   */
  note(line: string): Promise<void>
  /**
   * Told where output is missing that was to be written (again, where it is `replayed`), before what comes next.
   * From then on what the log has is told by its times, those of `clock` in `plain` stamps, and a line says that
   * some is missing unless they show that none is. Lines of one millisecond may be there twice.
   */
  missed(): Promise<void>
  /**
   * Ends the last line, syncs, and hands the log to the object store. Rejects when that failed, and may
   * then be repeated; rejects, once and after handing over the rest, when lines could not be written.
   */
  seal(): Promise<LogStat>
  /**
   * Ends the last line and syncs: the log is whole and on disk, its followers have come to its end,
   * and nothing can be written any more. Rejects when lines were lost. `seal` is still to come.
   */
  end(): Promise<void>
  /** Ends the last line, syncs, and leaves the log open: another attempt will go on with it. */
  suspend(): Promise<void>
}

export interface LogStat {
  bytes: number
  lines: number
  sealed: boolean
}

export interface LogRange {
  /** Only lines with a greater sequence number. Default 0. */
  after?: number
  /** Only the last so many lines. */
  tail?: number
}

export interface LogChunk {
  /** Sequence number of the first line in `data`. */
  seq: number
  lines: number
  /** When these lines arrived. */
  at: Date
  /** Whole lines, UTF-8 as the command wrote it, each ending in "\n". */
  data: Buffer
}
