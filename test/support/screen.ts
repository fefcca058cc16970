const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60\u{1f300}-\u{1faff}]/u

/** What a terminal shows of what was written to it, as far as the sequences that we use go. */
export function createScreen({ rows, columns = 80 }: { rows: number; columns?: number }) {
  const screen: string[][] = [[]]
  let row = 0
  let column = 0
  let wraps = true
  let written = ''

  function goDown(): void {
    row += 1
    screen[row] ??= []
  }
  function put(character: string): void {
    const width = wide.test(character) ? 2 : 1
    if (column + width > columns) {
      if (wraps) {
        goDown()
        column = 0
      } else column = columns - width
    }
    const line = screen[row] ?? []
    line[column] = character
    // The second half of a wide one.
    if (width === 2) line[column + 1] = ''
    column += width
  }
  function obey(token: string): void {
    const up = /^\u001b\[(\d+)A$/.exec(token)
    if (up) row = Math.max(0, screen.length - rows, row - Number(up[1]))
    else if (token === '\u001b[2K') screen[row] = []
    else if (token === '\u001b[J') screen.splice(row, screen.length, [])
    else if (token === '\u001b[?7l') wraps = false
    else if (token === '\u001b[?7h') wraps = true
    else if (token === '\r') column = 0
    else if (token === '\n') {
      goDown()
      column = 0
    } else if (!token.startsWith('\u001b')) for (const character of token) put(character)
  }
  return {
    output: {
      write(text: string): Promise<void> {
        written += text
        const tokens = text.match(/\u001b\[[?0-9;]*[A-Za-z]|\n|\r|[^\u001b\n\r]+/g) ?? []
        for (const token of tokens) obey(token)
        return Promise.resolve()
      },
      isTerminal: true,
      columns: () => columns,
      rows: () => rows,
    },
    /** Its lines, those that were scrolled away too, but for empty ones. */
    shown: () =>
      screen
        .map((line) =>
          Array.from(line, (character) => character ?? ' ')
            .join('')
            .trimEnd(),
        )
        .filter(Boolean),
    written: () => written,
  }
}
