const newline = 10

/** Leaves out the first `count` lines of pieces that together are whole lines. */
export function createLineSkipper(count: number): (pieces: readonly Buffer[]) => Buffer[] {
  let left = count

  return (pieces) => {
    if (left === 0) return [...pieces]
    const out: Buffer[] = []
    for (const piece of pieces) {
      let at = 0
      while (left > 0 && at < piece.length) {
        const end = piece.indexOf(newline, at)
        if (end < 0) at = piece.length
        else {
          at = end + 1
          left--
        }
      }
      if (at < piece.length) out.push(at === 0 ? piece : piece.subarray(at))
    }
    return out
  }
}
