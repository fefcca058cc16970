/** `2026-01-02T03:04:05.123456789Z `, or with an offset: what a kubelet puts before each line. */
const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})(Z|[+-]\d\d:\d\d) $/
const longestStamp = '2026-01-02T03:04:05.123456789+00:00 '.length
/** In UTC, as nodes have it. */
const usualStamp = '2026-01-02T03:04:05.123456789Z '.length
const millisecondLength = '2026-01-02T03:04:05.123'.length
const lineBreak = 10
const space = 32

/** Output of one time. */
export interface LogPart {
  chunk: Buffer
  /** When its line was written, as the node has it. */
  time: string
}

export interface LogPosition {
  /** What has to be asked for to go on from here, as `sinceTime`; null: all. */
  since(): string | null
  /** What comes next is the log anew, from `since` on. */
  rewind(): void
  /** The command's own bytes in it that were not handed out before, in buffers of their own, by millisecond. */
  take(chunk: Buffer): LogPart[]
  /**
   * Whether output is missing: where the log was gone on with, the line was not there any more at which it
   * had broken off. The node has rotated the log meanwhile.
   */
  hasGap(): boolean
  /** Whether the line at which it had broken off has not come again since the rewind. */
  isLost(): boolean
}

/**
 * Where a reader is in a container's log with times. A log can only be asked for from a second on, so the
 * place is known by the time of the last line, how many lines had that time, and how many bytes of the last
 * one were read: what comes again is skipped, and nothing else.
 */
export function createLogPosition(): LogPosition {
  /** Time of the newest line; null: none has come. */
  let time: string | null = null
  /** Lines of that time so far, the newest included. */
  let count = 0
  /** Bytes of the newest line, its end included. */
  let bytes = 0
  /** What is looked for after a rewind. */
  let sought: { time: string; count: number; bytes: number } | null = null
  let met = 0
  let gap = false
  /** The beginning of a line, until its time is complete. */
  let head: Buffer | null = Buffer.alloc(0)
  /** What becomes of the line that is being read. */
  let line: 'new' | 'skipped' | 'known' = 'skipped'
  let skip = 0

  const begin = (at: string): void => {
    if (sought !== null) {
      const order = compareTimes(at, sought.time)
      if (order === 0) met++
      if (order < 0 || (order === 0 && met < sought.count)) {
        line = 'skipped'
        return
      }
      if (order === 0) {
        line = 'known'
        skip = sought.bytes
        sought = null
        return
      }
      gap = true
      sought = null
    }
    line = 'new'
    count = time === at ? count + 1 : 1
    time = at
    bytes = 0
  }
  const content = (part: Buffer): Buffer | null => {
    if (line === 'skipped') return null
    let rest = part
    if (line === 'known') {
      const known = Math.min(skip, rest.length)
      skip -= known
      rest = rest.subarray(known)
    }
    bytes += rest.length
    return rest.length === 0 ? null : rest
  }

  return {
    since() {
      if (time === null) return null
      return new Date(Math.floor(Date.parse(time) / 1_000) * 1_000).toISOString()
    },
    rewind() {
      sought = time === null ? null : { time, count, bytes }
      met = 0
      head = Buffer.alloc(0)
      line = 'skipped'
    },
    take(chunk) {
      const parts: LogPart[] = []
      let out: Buffer[] = []
      let outTime = ''
      const close = () => {
        if (out.length > 0) parts.push({ chunk: Buffer.concat(out), time: outTime })
        out = []
      }
      let rest = chunk
      while (rest.length > 0) {
        if (head !== null && head.length === 0 && isStamped(rest)) {
          begin(rest.toString('latin1', 0, usualStamp - 1))
          rest = rest.subarray(usualStamp)
          head = null
          continue
        }
        if (head !== null) {
          const end = rest.indexOf(space)
          const lineEnd = rest.indexOf(lineBreak)
          const isBroken = lineEnd >= 0 && (end < 0 || lineEnd < end)
          if (end < 0 && !isBroken && head.length + rest.length < longestStamp) {
            head = Buffer.concat([head, rest])
            break
          }
          const told = end < 0 ? head : Buffer.concat([head, rest.subarray(0, end + 1)])
          const match = isBroken ? null : stamp.exec(told.toString('latin1'))
          head = null
          // The rest of a line whose beginning is older, or a word of the kubelet's own.
          if (match === null) line = 'skipped'
          else {
            begin(told.toString('latin1').trimEnd())
            rest = rest.subarray(end + 1)
          }
          continue
        }
        const end = rest.indexOf(lineBreak)
        const part = end < 0 ? rest : rest.subarray(0, end + 1)
        const own = content(part)
        if (own !== null) {
          if (time !== null && !isSameMillisecond(time, outTime)) {
            close()
            outTime = time
          }
          out.push(own)
        }
        rest = rest.subarray(part.length)
        if (end >= 0) head = Buffer.alloc(0)
      }
      close()
      return parts
    },
    hasGap: () => gap,
    isLost: () => sought !== null,
  }
}

/** Whether it begins with a time in UTC, by its punctuation: what looks like one otherwise is looked at closely. */
function isStamped(text: Buffer): boolean {
  return (
    text.length >= usualStamp &&
    text[usualStamp - 1] === space &&
    text[29] === 0x5a &&
    text[19] === 0x2e &&
    text[10] === 0x54 &&
    text[13] === 0x3a &&
    text[16] === 0x3a &&
    text[4] === 0x2d &&
    text[7] === 0x2d
  )
}

function isSameMillisecond(a: string, b: string): boolean {
  return a.slice(0, millisecondLength) === b.slice(0, millisecondLength)
}

/** Negative: `a` is earlier. */
function compareTimes(a: string, b: string): number {
  if (a === b) return 0
  const [first, second] = [nanoseconds(a), nanoseconds(b)]
  return first < second ? -1 : first > second ? 1 : 0
}

function nanoseconds(time: string): bigint {
  const [, seconds = '', fraction = '0', zone = 'Z'] = stamp.exec(`${time} `) ?? []
  return BigInt(Date.parse(seconds + zone)) * 1_000_000n + BigInt(fraction)
}
