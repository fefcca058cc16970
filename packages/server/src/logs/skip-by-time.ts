const newline = 10
const stamped = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)$/s

/** The last line of a log whose lines are stamped plainly. */
export interface LastLine {
  /** Milliseconds since 1970. */
  at: number
  text: string
}

/** Of the end of a log; null: it has no line with a time. */
export function readLastLine(end: Buffer): LastLine | null {
  const from = end.length < 2 ? 0 : end.lastIndexOf(newline, end.length - 2) + 1
  const [, time, text = ''] = stamped.exec(end.toString('utf8', from).replace(/\n$/, '')) ?? []
  return time === undefined ? null : { at: Date.parse(time), text }
}

export interface TimeSkipper {
  take(pieces: readonly Buffer[]): Buffer[]
  /** The notice, where it is still to be said. */
  rest(): Buffer[]
}

/**
 * Leaves out lines that are older than the last one that is known. Which of its own millisecond were known is not
 * to be told: better twice than not at all. `notice` goes first, unless some line is older: then none is missing.
 */
export function createTimeSkipper(input: {
  last: Pick<LastLine, 'at'> | null
  now: () => number
  /** A whole line. */
  notice: Buffer
}): TimeSkipper {
  const { last, now, notice } = input
  let due = [notice]
  const rest = () => due.splice(0)
  return {
    take(pieces) {
      if (pieces.length === 0) return []
      if (last === null || now() >= last.at) return [...rest(), ...pieces]
      due = []
      return []
    },
    rest,
  }
}
