import type { Argument, Command, Option } from 'commander'

/** What may stand at the end of a command line that is being typed. */
export interface Place {
  command: Command
  /** What the word is a value of; null: a command, or an option. */
  value: Option | Argument | null
  /** Arguments that stand before it, and options, by their attribute names. */
  given: { args: readonly string[]; options: Readonly<Record<string, string>> }
}

/** Goes through the words behind `slipway`, without the one that is typed. */
export function findPlace(program: Command, words: readonly string[]): Place {
  let command = program
  let pending: Option | null = null
  let onlyArguments = false
  const args: string[] = []
  const options: Record<string, string> = {}
  for (const word of words) {
    if (!onlyArguments && word === '--') {
      onlyArguments = true
      pending = null
    } else if (!onlyArguments && word.startsWith('-') && word !== '-') {
      pending = null
      const [name = '', value] = word.split('=', 2)
      const option = findOption(command, name)
      if (option !== undefined && value !== undefined) options[option.attributeName()] = value
      else if (option?.required === true) pending = option
    } else if (pending !== null) {
      options[pending.attributeName()] = word
      if (!pending.variadic) pending = null
    } else {
      const below = command.commands.find(
        (one) => one.name() === word || one.aliases().includes(word),
      )
      if (below === undefined || args.length > 0) args.push(word)
      else command = below
    }
  }
  const given = { args, options }
  if (pending !== null) return { command, value: pending, given }
  const places = command.registeredArguments
  const last = places.at(-1)
  const value = places[args.length] ?? (last?.variadic === true ? last : null)
  return { command, value: command.commands.length > 0 ? null : value, given }
}

function findOption(command: Command, name: string): Option | undefined {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find(({ short, long }) => short === name || long === name)
    if (found !== undefined) return found
  }
  return undefined
}

/** The commands and options that a word may be. */
export function wordsAt({ command, value, given }: Place, typed: string): [string, string][] {
  if (typed.startsWith('-')) {
    const all: Option[] = []
    for (let at: Command | null = command; at !== null; at = at.parent) all.push(...at.options)
    const shown = all.filter(({ hidden, long }) => !hidden && long != null)
    return [
      ...shown.map(({ long, description }): [string, string] => [long ?? '', description]),
      ['--help', 'display help for command'],
    ]
  }
  if (value !== null || given.args.length > 0) return []
  const shown = command.createHelp().visibleCommands(command)
  return shown.map((one) => [one.name(), one.description()])
}
