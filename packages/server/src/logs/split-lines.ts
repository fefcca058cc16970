/** Longer lines are broken in two. */
export const maxLineBytes = 64 * 1024

const newline = 10
const lineEnd = Buffer.from('\n')
/** Pieces of an open line that are kept apart before they are joined. */
const maxPieces = 64

/** Gathers output into whole lines. */
export interface LineSplitter {
  /** Returns the lines that are whole now, in pieces that together end in "\n"; empty when none is. */
  push(chunks: readonly Buffer[]): Buffer[]
  /** Ends the open line, if there is one. */
  end(): Buffer[]
}

/**
 * Only "\n" ends a line: carriage returns (progress bars), NUL and bytes that are no UTF-8 stay as they
 * are. A line of more than 64 KiB is broken there, or up to three bytes earlier so as not to cut a character.
 */
export function createLineSplitter(): LineSplitter {
  let open: Buffer[] = []
  let openBytes = 0

  const takeOpen = () => {
    const pieces = open
    open = []
    openBytes = 0
    return pieces
  }

  const pushPart = (part: Buffer, out: Buffer[]) => {
    const first = part.indexOf(newline)
    if (openBytes + (first === -1 ? part.length : first) > maxLineBytes) {
      const line = Buffer.concat([...takeOpen(), part])
      const end = characterStart(line, maxLineBytes)
      out.push(line.subarray(0, end), lineEnd)
      pushPart(line.subarray(end), out)
      return
    }
    const end = part.lastIndexOf(newline) + 1
    if (end > 0) out.push(...takeOpen(), part.subarray(0, end))
    if (end === part.length) return
    // A copy: a few bytes must not keep the whole chunk in memory.
    open.push(Buffer.from(part.subarray(end)))
    openBytes += part.length - end
    if (open.length > maxPieces) open = [Buffer.concat(open)]
  }

  return {
    push(chunks) {
      const out: Buffer[] = []
      for (const chunk of chunks) {
        // In so small a part only the first line can be too long.
        for (let at = 0; at < chunk.length; at += maxLineBytes) {
          pushPart(chunk.subarray(at, at + maxLineBytes), out)
        }
      }
      return out
    },
    end() {
      return open.length === 0 ? [] : [...takeOpen(), lineEnd]
    },
  }
}

function characterStart(bytes: Buffer, at: number): number {
  for (let start = at; start > 0 && start > at - 4; start--) {
    if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start
  }
  return at
}

/** How many lines end in these bytes. */
export function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count++
  return count
}
