import { whileVisible } from '../api/while-visible.ts'
import type { LogSource } from './log-sources.ts'
import { plainLine } from './plain-line.ts'
import { splitTime } from './split-time.ts'

/** The lines of one log, as many as have come; the n-th has the number n + 1 for ever. */
export interface LogLines {
  readonly texts: readonly string[]
  /** When each arrived (RFC 3339). */
  readonly times: readonly string[]
  /** Whether there is nothing more to come. */
  readonly ended: boolean
}

/** What is read of a log; beyond it the whole is there to be downloaded. */
export const mostLines = 500_000

/**
 * Reads a log: what is there at once as text, then, if it is still being written, line by line. `tell` is
 * called with the same growing arrays, at most once a frame.
 */
export async function readLog(
  source: LogSource,
  follow: boolean,
  tell: (lines: LogLines) => void,
  signal: AbortSignal,
): Promise<void> {
  const texts: string[] = []
  const times: string[] = []
  let frame = 0
  const tellSoon = () => {
    if (frame !== 0) return
    frame = requestAnimationFrame(() => {
      frame = 0
      if (!signal.aborted) tell({ texts, times, ended: false })
    })
  }
  const take = ({ timestamp, line }: { timestamp: string; line: string }) => {
    if (texts.length >= mostLines) return
    times.push(timestamp)
    texts.push(line)
  }
  signal.addEventListener('abort', () => cancelAnimationFrame(frame))
  let rest = ''
  for await (const chunk of source.read(signal)) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(splitTime(line))
    if (texts.length >= mostLines) break
    tellSoon()
  }
  if (rest !== '') take(splitTime(rest))
  if (follow && texts.length < mostLines) {
    await whileVisible(async (visible) => {
      for await (const line of source.follow(texts.length, visible)) {
        take(line)
        if (texts.length >= mostLines) break
        tellSoon()
      }
    }, signal)
  }
  cancelAnimationFrame(frame)
  if (!signal.aborted) tell({ texts, times, ended: true })
}

/** Indices of the lines that have the words in them, at most `limit`. */
export function findInLog(texts: readonly string[], words: string, limit = 10_000): number[] {
  const wanted = words.toLowerCase()
  const found: number[] = []
  if (wanted === '') return found
  for (let at = 0; at < texts.length && found.length < limit; at++) {
    if (
      plainLine(texts[at] ?? '')
        .toLowerCase()
        .includes(wanted)
    )
      found.push(at)
  }
  return found
}
