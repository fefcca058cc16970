import type { Context } from '../context.ts'
import { terminalWord } from './terminal-text.ts'

/** What there is to say of one thing: its name, and a line for each fact that is none without a value. */
export async function printFacts(
  { io, styles }: Pick<Context, 'io' | 'styles'>,
  title: string,
  facts: readonly (readonly [string, string | null | undefined])[],
): Promise<void> {
  const told = facts.filter((fact): fact is [string, string] => Boolean(fact[1]))
  const width = Math.max(...told.map(([key]) => key.length)) + 2
  const lines = told.map(([key, value]) => `${styles.dim(key.padEnd(width))}${terminalWord(value)}`)
  await io.out.write(`${[styles.bold(terminalWord(title)), ...lines].join('\n')}\n`)
}
