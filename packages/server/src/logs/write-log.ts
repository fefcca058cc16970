import { compileMasks } from '../secrets/index.ts'
import type { LogAppender } from './append-log.ts'
import type { LogStat, LogWriter, OpenLogOptions } from './log-store.ts'
import { createTimeSkipper, type LastLine, readLastLine, type TimeSkipper } from './skip-by-time.ts'
import { createLineSkipper } from './skip-lines.ts'
import { createLineSplitter, maxLineBytes } from './split-lines.ts'
import { createLineStamper } from './stamp-lines.ts'

export interface WriteLogDeps {
  appender: LogAppender
  /** Called once the file is closed, for the hand-over; again when `seal` is repeated after it failed. */
  handOver: () => Promise<void>
}

/** A writer whose log may be deleted under it. */
export interface OpenWriter extends LogWriter {
  /** Closes the file; what is still written goes nowhere and `seal` hands nothing over. */
  discard(): Promise<void>
}

/** Bytes that may wait to be written before the command is held back. */
const maxBacklog = 512 * 1024
const missing = Buffer.from('--- some output is missing here: it was not to be had any more ---\n')
/** Bytes that hold any line with its time. */
const lastLineBytes = maxLineBytes + 64

export function writeLog(
  { appender, handOver }: WriteLogDeps,
  { secrets, stampLines = false, clock, replayed = false }: Omit<OpenLogOptions, 'marker'>,
): OpenWriter {
  const masks = compileMasks(secrets)
  const masker = masks.masker()
  const splitter = createLineSplitter()
  let isNew = replayed ? createLineSkipper(appender.lines) : (lines: Buffer[]) => lines
  const form = stampLines === 'plain' ? 'plain' : 'bracketed'
  const stampNew = stampLines === false ? null : createLineStamper(clock, form)
  const stampAll = (lines: Buffer[]) => (stampNew === null ? lines : stampNew(lines))
  const stamp = (lines: Buffer[]) => stampAll(isNew(lines))
  let closing: Promise<void> | null = null
  let sealing: Promise<LogStat> | null = null
  let discarded = false
  let isLossTold = false
  /** What the log ended in when output was found to be missing. */
  let known: LastLine | null = null
  let byTime: TimeSkipper | null = null

  const ended = () => Promise.reject(new Error('the log has been closed'))

  const note = (line: string): Promise<void> => {
    if (discarded) return Promise.resolve()
    if (closing !== null) return ended()
    const own = createLineSplitter()
    const text = masks.text(line.replaceAll(/\r?\n/g, ' '))
    const whole = [...own.push([Buffer.from(text)]), ...own.end()]
    // The same as the last line: its writer had said it.
    if (byTime !== null && text === known?.text) return Promise.resolve()
    // It is no output, and has no time of it.
    const lines = byTime === null ? stamp(whole) : stampAll([...byTime.rest(), ...whole])
    return lines.length === 0 ? Promise.resolve() : appender.append(lines)
  }

  const missed = async (): Promise<void> => {
    if (closing !== null) return ended()
    known = stampLines === 'plain' ? readLastLine(await appender.end(lastLineBytes)) : null
    byTime = createTimeSkipper({ last: known, now: clock ?? Date.now, notice: missing })
    isNew = byTime.take
  }

  const close = (isOver: boolean) => {
    closing ??= (async () => {
      const rest =
        replayed && !isOver
          ? []
          : [
              ...stamp([...splitter.push(masker.end()), ...splitter.end()]),
              ...stampAll(byTime?.rest() ?? []),
            ]
      // What is in the file is worth keeping after a failed write too.
      if (rest.length > 0) await appender.append(rest).catch(() => {})
      await appender.close()
    })()
    return closing
  }

  const suspend = () => close(false)

  const tellLoss = () => {
    if (appender.failure === null || isLossTold) return
    isLossTold = true
    throw appender.failure
  }

  const seal = async (): Promise<LogStat> => {
    await close(true)
    if (discarded) return { bytes: appender.bytes, lines: appender.lines, sealed: false }
    await handOver()
    tellLoss()
    return { bytes: appender.bytes, lines: appender.lines, sealed: true }
  }

  return {
    note,
    missed,
    suspend,
    async end() {
      await close(true)
      tellLoss()
    },
    write(chunk) {
      if (discarded) return
      if (closing !== null) return ended()
      const lines = stamp(splitter.push(masker.push(chunk)))
      if (lines.length === 0) return
      const written = appender.append(lines)
      if (appender.failure !== null || appender.backlog > maxBacklog) return written
    },
    seal() {
      sealing ??= seal().catch((error: unknown) => {
        sealing = null
        throw error
      })
      return sealing
    },
    async discard() {
      discarded = true
      await suspend()
    },
  }
}
