import type { Output } from '../io.ts'

/** The last lines of a terminal, drawn over again and again. */
export interface LiveArea {
  /** What of a line is wider than the terminal is not seen. */
  draw(lines: readonly string[]): Promise<void>
  /** Leaves what is drawn where it is; the cursor is behind it. */
  close(): Promise<void>
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
// Nobody but the terminal knows how wide it shows a character; a line that wraps would shift the next frame.
const NO_WRAP = '\u001b[?7l'
const WRAP = '\u001b[?7h'

export function openLiveArea(output: Output): LiveArea {
  let drawn = 0
  let hidden = false
  return {
    async draw(lines) {
      // One write for a frame, or it flickers. "J" clears what a taller frame left below.
      const up = drawn > 0 ? `\u001b[${drawn}A\r` : ''
      const text = lines.map((line) => `\u001b[2K${line}\n`).join('')
      const start = hidden ? '' : HIDE_CURSOR
      hidden = true
      drawn = lines.length
      await output.write(`${start}${NO_WRAP}${up}${text}\u001b[J${WRAP}`)
    },
    async close() {
      drawn = 0
      if (hidden) await output.write(SHOW_CURSOR)
      hidden = false
    },
  }
}
