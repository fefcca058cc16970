import type { Output } from '../io.ts'

/** The last lines of a terminal, drawn over again and again. */
export interface LiveArea {
  /** Lines must fit the terminal's width. */
  draw(lines: readonly string[]): Promise<void>
  /** Leaves what is drawn where it is; the cursor is behind it. */
  close(): Promise<void>
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'

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
      await output.write(`${start}${up}${text}\u001b[J`)
    },
    async close() {
      drawn = 0
      if (hidden) await output.write(SHOW_CURSOR)
      hidden = false
    },
  }
}
