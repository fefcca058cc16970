import type { Styles } from './styles.ts'
import { terminalLine } from './terminal-text.ts'

/** The lines of a unified diff for a terminal: what goes red, what comes green; nothing in them is obeyed. */
export function renderDiff(diff: string, styles: Styles): string[] {
  if (diff === '') return []
  let left = { before: 0, after: 0 }
  return diff
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const shown = terminalLine(line, false)
      const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line)
      if (hunk !== null) {
        left = { before: Number(hunk[1] ?? 1), after: Number(hunk[2] ?? 1) }
        return styles.cyan(shown)
      }
      // Outside of a hunk, `---` and `+++` name files; inside, they are lines that begin with two of them.
      if (left.before <= 0 && left.after <= 0) return styles.bold(shown)
      if (line.startsWith('+')) {
        left.after -= 1
        return styles.green(shown)
      }
      if (line.startsWith('-')) {
        left.before -= 1
        return styles.red(shown)
      }
      if (line.startsWith('\\')) return styles.dim(shown)
      left = { before: left.before - 1, after: left.after - 1 }
      return shown
    })
}
