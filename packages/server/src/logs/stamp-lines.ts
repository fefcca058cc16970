const newline = 10

/** `[2024-01-08T10:01:00.007Z] text` or `2024-01-08T10:01:00.007Z text`. */
export type StampForm = 'bracketed' | 'plain'

/**
 * Puts the time before every line of what it is given: pieces that together are whole lines, as a
 * `LineSplitter` returns them. The times of one log never go backwards, whatever the clock does.
 */
export function createLineStamper(
  now: () => number = Date.now,
  form: StampForm = 'bracketed',
): (pieces: readonly Buffer[]) => Buffer[] {
  let last = 0
  let stamp = Buffer.alloc(0)

  return (pieces) => {
    const at = Math.max(last, now())
    if (at !== last) {
      const time = new Date(at).toISOString()
      stamp = Buffer.from(form === 'plain' ? `${time} ` : `[${time}] `)
    }
    last = at
    const out: Buffer[] = []
    let atStart = true
    for (const piece of pieces) {
      for (let start = 0; start < piece.length;) {
        if (atStart) out.push(stamp)
        const end = piece.indexOf(newline, start) + 1
        atStart = end > 0
        const stop = atStart ? end : piece.length
        out.push(piece.subarray(start, stop))
        start = stop
      }
    }
    // One piece: many small ones cost more to write than to copy.
    return out.length === 0 ? [] : [Buffer.concat(out)]
  }
}
