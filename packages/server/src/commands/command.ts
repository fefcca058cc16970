import { parseArgs } from 'node:util'
import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'

/** What a command of the program is given. */
export interface CommandDeps {
  config: Config
  log: Logger
  /** Of the program. */
  version: string
  /** To standard output. */
  write: (text: string) => void
  /** Aborts when the program is to end. */
  signal: AbortSignal
}

/** Reads what is behind a command's name, or throws a UsageError; answers what then does it. */
export type ReadCommand = (args: readonly string[]) => (deps: CommandDeps) => Promise<void>

/** The command line is not as it must be: shown with the usage, before anything is done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Flags without values and one argument for each name, all of which must be there. */
export function readArguments<Flag extends string>(
  args: readonly string[],
  wanted: { flags: readonly Flag[]; names: readonly string[] },
): { flags: ReadonlySet<Flag>; values: string[] } {
  const { flags, names } = wanted
  const options = Object.fromEntries(flags.map((flag) => [flag, { type: 'boolean' as const }]))
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  if (positionals.length !== names.length) {
    const shown = names.map((name) => `<${name}>`).join(' ')
    throw new UsageError(
      `Wanted ${shown === '' ? 'no argument' : shown}, and got ${positionals.length === 0 ? 'none' : positionals.join(' ')}.`,
    )
  }
  return { flags: new Set(flags.filter((flag) => values[flag] === true)), values: positionals }
}
