/** Colours a cell of a column, whose text stays as wide as it is. */
export type PaintCell = (text: string, column: number) => string

/** Columns as wide as their widest cell, two spaces between them; the last one is not padded. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  paint: PaintCell = (text) => text,
): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  )
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const painted = row === header ? cell : paint(cell, column)
          const missing = (widths[column] ?? 0) - cell.length
          return column === row.length - 1 ? painted : `${painted}${' '.repeat(missing)}`
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/**
 * Header and rows for a terminal that is narrower than the table: of each the first cell, which names it, alone on
 * a line, and the others indented below it, on as many lines as they need.
 */
export function foldTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
  paint: PaintCell = (text) => text,
): string[][] {
  return [header, ...rows].map((row) => {
    const lines: string[] = []
    let width = 0
    for (const [column, cell] of row.entries()) {
      if (cell === '') continue
      const painted = row === header ? cell : paint(cell, column)
      const isFirst = lines.length === 0
      const fits = lines.length > 1 && width + 2 + cell.length <= columns
      if (fits) lines.push(`${lines.pop() ?? ''}  ${painted}`)
      else lines.push(isFirst ? painted : `  ${painted}`)
      width = (fits ? width : 0) + 2 + cell.length
    }
    return lines
  })
}
