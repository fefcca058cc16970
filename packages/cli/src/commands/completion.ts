import { Argument, type Command } from 'commander'
import type { Act } from '../act.ts'
import { findPlace, wordsAt } from '../complete/find-place.ts'
import { findValues, kindOf } from '../complete/find-values.ts'
import { scripts, type Shell } from '../complete/scripts.ts'
import { type Context, createContext, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { pathOf } from '../path-of.ts'
import { terminalWord } from '../render/terminal-text.ts'

/** Milliseconds that somebody who pressed TAB waits for a server. */
const patienceMs = 1_500

export function addCompletionCommand(program: Command, act: Act): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(Object.keys(scripts)))
    .description('print a completion script for a shell')
    .action(
      act(async ({ io, json }, _flags, [shell = '']) => {
        const script = scripts[shell as Shell]
        await (json ? printJson(io, { shell, script }) : io.out.write(script))
        return exitCodes.success
      }),
    )
  program.command('__complete [words...]', { hidden: true }).action(
    act((context, _flags, words) =>
      complete(
        context,
        program,
        words.flat().map((word) => word ?? ''),
      ),
    ),
  )
}

/** What may stand in place of the last word, a line each with what it is; nothing where that is not known. */
async function complete(
  { io }: Context,
  program: Command,
  words: readonly string[],
): Promise<number> {
  const typed = words.at(-1) ?? ''
  const place = findPlace(program, words.slice(0, -1))
  const found = [...wordsAt(place, typed), ...(await valuesAt(io, place, typed))]
  const lines = found
    .filter(([value]) => value === ':files' || value.startsWith(typed))
    .map(([value, about]) => `${terminalWord(value)}\t${terminalWord(about)}`)
  for (const line of new Set(lines)) await io.out.write(`${line}\n`)
  return exitCodes.success
}

async function valuesAt(
  io: Context['io'],
  place: ReturnType<typeof findPlace>,
  typed: string,
): Promise<readonly (readonly [string, string])[]> {
  const { value, command, given } = place
  if (value === null || typed.startsWith('-')) return []
  if (value.argChoices !== undefined) return value.argChoices.map((one) => [one, ''])
  const kind = kindOf(place, pathOf(command))
  if (kind === null) return []
  if (kind === 'files') return [[':files', '']]
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(patienceMs)])
  // As the line that is typed will mean it.
  const context = createContext({ ...io, signal }, given.options)
  try {
    return await Promise.race([
      findValues(context, kind, { given, signal }),
      new Promise<[]>((resolve) => signal.addEventListener('abort', () => resolve([]))),
    ])
  } catch {
    // Nothing is said in the middle of a line.
    return []
  }
}
