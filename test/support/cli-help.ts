import { createProgram } from '../../packages/cli/src/create-program.ts'

type Command = Awaited<ReturnType<typeof createProgram>>

/** The command line as it is defined; nothing of it is run. */
export function readProgram(): Promise<Command> {
  const output = {
    writeOut: () => undefined,
    writeErr: () => undefined,
    outColumns: () => 80,
    errColumns: () => 80,
  }
  return createProgram(() => async () => undefined, output)
}

/** Every command that does something, with its words behind `slipway`. */
export function leavesOf(command: Command, path: readonly string[] = []): [string, Command][] {
  const below = command.commands.flatMap((one) => leavesOf(one, [...path, one.name()]))
  const isLeaf = command.commands.length === 0 || command.options.length > 0
  return isLeaf && path.length > 0 ? [[path.join(' '), command], ...below] : below
}

/** How many values may follow an option; undefined: there is no such option. */
function valuesOf(command: Command, name: string): number | undefined {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find(({ short, long }) => short === name || long === name)
    if (found !== undefined) {
      return found.variadic ? Number.POSITIVE_INFINITY : found.required || found.optional ? 1 : 0
    }
  }
  return ['-h', '--help'].includes(name) ? 0 : undefined
}

/**
 * Why the command would not take these words (those behind `slipway`), or null. `complete` says that
 * nothing is left out, as it may be in a sentence.
 */
export async function refusal(
  words: readonly string[],
  { complete }: { complete: boolean },
): Promise<string | null> {
  let command = await readProgram()
  const path: string[] = []
  let given = 0
  const name = () => ['slipway', ...path].join(' ')
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const below = command.commands.find(
      (one) => one.name() === word || one.aliases().includes(word),
    )
    if (word.startsWith('-') && word !== '-') {
      const [option = '', value] = word.split('=')
      const values = valuesOf(command, option)
      if (values === undefined) return `${name()} has no option ${option}`
      if (value !== undefined) continue
      for (let left = values; left > 0 && isValue(words[index + 1]); left--) index += 1
    } else if (below !== undefined) {
      path.push(word)
      command = below
    } else if (command.commands.length > 0) {
      return `${name()} has no command ${word}`
    } else {
      given += 1
    }
  }
  const places = command.registeredArguments
  const most = places.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : places.length
  if (given > most) return `${name()} takes no ${given} arguments`
  const required = places.filter((one) => one.required).length
  return complete && given < required ? `${name()} lacks an argument` : null
}

function isValue(word: string | undefined): boolean {
  return word !== undefined && (!word.startsWith('-') || word === '-')
}
