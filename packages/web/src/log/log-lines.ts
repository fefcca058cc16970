import { api } from '../api/client.ts'
import { plainLine } from './plain-line.ts'

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

const timed = /^(\S+) ?(.*)$/s

/**
 * Reads a log: what is there at once as text, then, if it is still being written, line by line. `tell` is
 * called with the same growing arrays, at most once a frame.
 */
export async function readLog(
  source: { url: string; follow: boolean },
  tell: (lines: LogLines) => void,
  signal: AbortSignal,
): Promise<void> {
  const texts: string[] = []
  const times: string[] = []
  let frame = 0
  const tellSoon = () => {
    if (frame === 0) {
      frame = requestAnimationFrame(() => {
        frame = 0
        if (!signal.aborted) tell({ texts, times, ended: false })
      })
    }
  }
  signal.addEventListener('abort', () => cancelAnimationFrame(frame))
  const response = await fetch(`${source.url}?timestamps=true`, {
    signal,
    headers: { accept: 'text/plain' },
    credentials: 'same-origin',
  })
  if (!response.ok) {
    const body = (await response.json().catch(() => null)) as {
      error?: { message?: string }
    } | null
    throw new Error(body?.error?.message ?? `The log could not be read (${response.status})`)
  }
  let rest = ''
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const take = (line: string) => {
    if (texts.length >= mostLines) return
    const [, time = '', text = ''] = timed.exec(line) ?? []
    times.push(time)
    texts.push(text)
  }
  for (;;) {
    const chunk = await reader?.read()
    if (chunk === undefined || chunk.done) break
    const lines = (rest + chunk.value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
    tellSoon()
  }
  if (rest !== '') take(rest)
  if (source.follow && texts.length < mostLines) {
    const path = source.url
    for await (const line of api.steps.logs(path, { follow: true, after: texts.length, signal })) {
      times.push(line.timestamp)
      texts.push(line.line)
      if (texts.length >= mostLines) break
      tellSoon()
    }
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
