const space = 32
const newline = 10
/** Longer lines are kept in parts of this length. */
const partBytes = 16_384
/** Of a time with nine digits of a second, what is left of a millisecond. */
const millisecondLength = '2006-01-02T15:04:05.000'.length

/** Output of one millisecond. */
export interface LogPart {
  chunk: Buffer
  at: Date
}

/**
 * Reads the entries of a container's log, each a time, a space and what was written, and knows where to go
 * on after a break: at the last time, less as many entries of it as there have been. What goes back in time
 * is repeated: an engine that rotates the log begins the new file again (Docker 20.10). Both are exact as
 * long as the times themselves never go back, as those of a single stream do not, but for an engine's clock
 * that is set back: what is written until it has caught up is left out.
 */
export interface LogEntries {
  /** From when on the engine is to be asked, in seconds since 1970 with nine digits; null: from the beginning. */
  readonly since: string | null
  /** A new reading begins, at `since`. */
  begin(): void
  /** Entries as they came, joined where they are of the same millisecond. */
  take(frames: readonly Buffer[]): LogPart[]
}

export function createLogEntries(from: Date | null): LogEntries {
  let last = { time: from?.toISOString().replace('Z', '000000Z') ?? '', count: 0 }
  let toSkip = 0
  let isInLine = false
  /** The engine's `local` log forgets (until Docker 23) the newline that ends the last of several parts. */
  const repaired = (content: Buffer): Buffer[] => {
    const isWhole = content.at(-1) === newline
    const endsLine = isInLine && !isWhole && content.length < partBytes
    isInLine = !isWhole && content.length === partBytes
    return endsLine ? [content, Buffer.of(newline)] : [content]
  }

  return {
    get since() {
      return last.time === '' ? null : epochOf(last.time)
    },
    begin() {
      toSkip = last.count
    },
    take(frames) {
      const parts: LogPart[] = []
      let pieces: Buffer[] = []
      const close = () => {
        if (pieces.length > 0) parts.push({ chunk: join(pieces), at: new Date(last.time) })
        pieces = []
      }
      for (const frame of frames) {
        const end = frame.indexOf(space)
        if (end < 0) throw new Error('the engine sends an entry without a time')
        const time = frame.toString('latin1', 0, end)
        if (time < last.time) {
          toSkip = last.count
          continue
        }
        if (toSkip > 0 && time === last.time) {
          toSkip--
          continue
        }
        toSkip = 0
        if (!isSameMillisecond(time, last.time)) close()
        last = { time, count: time === last.time ? last.count + 1 : 1 }
        pieces.push(...repaired(frame.subarray(end + 1)))
      }
      close()
      return parts
    },
  }
}

function join(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}

function isSameMillisecond(a: string, b: string): boolean {
  return a.slice(0, millisecondLength) === b.slice(0, millisecondLength)
}

function epochOf(time: string): string {
  const [whole = '', fraction = ''] = time.replace('Z', '').split('.')
  return `${Date.parse(`${whole}Z`) / 1000}.${fraction.padEnd(9, '0')}`
}
