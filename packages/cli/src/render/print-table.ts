import type { Context } from '../context.ts'
import { paintStatus } from './paint-status.ts'
import { foldTable, formatTable } from './table.ts'
import { terminalWord } from './terminal-text.ts'

/** What stands below a row, by its index. */
type Below = (index: number) => readonly string[]

type Where = Pick<Context, 'io' | 'styles'>

/** The rows under their header; on a terminal that is too narrow for that, several lines for each. */
export async function printTable(
  context: Where,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  below?: Below,
): Promise<void> {
  const lines = tableLines(context, header, rows, below)
  await context.io.out.write(lines.map((line) => `${line}\n`).join(''))
}

/** The same as lines. */
export function tableLines(
  { io, styles }: Where,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  below: Below = () => [],
): string[] {
  const safe = rows.map((row) => row.map(terminalWord))
  const paint = (text: string, column: number) =>
    header[column] === 'STATUS' ? paintStatus(text, styles) : text
  const plain = formatTable(header, safe).trimEnd().split('\n')
  const isTooWide = io.out.isTerminal && plain.some((line) => line.length > io.out.columns())
  const [head = [], ...blocks] = isTooWide
    ? foldTable(header, safe, io.out.columns(), paint)
    : formatTable(header, safe, paint)
        .trimEnd()
        .split('\n')
        .map((line) => [line])
  const told = blocks.flatMap((lines, index) => [
    ...lines,
    ...below(index).map((line) => `  ${styles.red(terminalWord(line))}`),
  ])
  return [...head.map(styles.dim), ...told]
}
