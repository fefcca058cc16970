import type { LogChunk } from '../logs/index.ts'

/** A line of a build's log, apart from its time. */
interface BuildLogLine {
  seq: number
  /** RFC 3339. */
  timestamp: string
  line: string
}

/** In front of each line of a build's log; what follows it may be anything. */
const stamp = /^\[(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z)\] ?/

/** The lines of a stretch of a build's log. One without a time is given that of its arrival. */
export function readLogLines({ seq, at, data }: LogChunk): BuildLogLine[] {
  const lines = data.toString('utf8').replace(/\n$/, '').split('\n')
  return lines.map((text, index) => {
    const [begin = '', timestamp = at.toISOString()] = stamp.exec(text) ?? []
    return { seq: seq + index, timestamp, line: text.slice(begin.length) }
  })
}
