import { PassThrough } from 'node:stream'
import { runCli } from '../../packages/cli/src/run-cli.ts'

/** What `slipway … --help` says of one command. */
export interface CommandHelp {
  /** Commands below it, aliases included. */
  commands: Set<string>
  /** Every spelling of an option, and how many values may follow it. */
  options: Map<string, number>
  required: number
  /** Arguments that it takes at most. */
  most: number
}

/** Asks the command itself, in this process; `path` is `['run', 'start']`, say. */
async function readHelp(path: readonly string[]): Promise<CommandHelp> {
  let text = ''
  const output = {
    isTerminal: false,
    columns: () => 1000,
    rows: () => 24,
    write: async (written: string) => void (text += written),
  }
  const signal = new AbortController().signal
  const input = { isTerminal: false, readAll: async () => '', readHidden: async () => '' }
  const raw = { in: new PassThrough(), out: new PassThrough() }
  const io = { in: input, out: output, err: output, raw, env: {}, cwd: '/', signal }
  await runCli([...path, '--help'], io)
  return parseHelp(text)
}

function parseHelp(text: string): CommandHelp {
  const options = new Map<string, number>()
  const commands = new Set<string>()
  let section = ''
  for (const line of text.split('\n')) {
    section = /^(\w+):/.exec(line)?.[1] ?? section
    const [, entry = ''] = /^ {2}(\S.*?)(?: {2,}|$)/.exec(line) ?? []
    if (entry === '') continue
    if (section === 'Options') {
      const values = !/[<[]/.test(entry) ? 0 : entry.includes('...') ? Number.POSITIVE_INFINITY : 1
      for (const [name] of entry.matchAll(/(?<![\w-])--?[a-z][\w-]*/gi)) options.set(name, values)
    } else if (section === 'Commands') {
      for (const name of (entry.split(' ')[0] ?? '').split('|')) commands.add(name)
    }
  }
  const usage = /^Usage:(.*)$/m.exec(text)?.[1] ?? ''
  const places = [...usage.matchAll(/([<[])([\w-]+)(\.{3})?[>\]]/g)].filter(
    ([, , name = '']) => name !== 'options' && name !== 'command',
  )
  return {
    commands,
    options,
    required: places.filter(([, bracket]) => bracket === '<').length,
    most: places.some(([, , , dots]) => dots) ? Number.POSITIVE_INFINITY : places.length,
  }
}

/**
 * Why the command would not take these words (those behind `slipway`), or null. `complete` says that
 * nothing is left out, as it may be in a sentence.
 */
export async function refusal(
  words: readonly string[],
  { complete }: { complete: boolean },
): Promise<string | null> {
  const path: string[] = []
  const root = await readHelp([])
  let help = root
  let given = 0
  const command = () => ['slipway', ...path].join(' ')
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    if (word.startsWith('-')) {
      const [name = '', value] = word.split('=')
      const values = help.options.get(name) ?? root.options.get(name)
      if (values === undefined) return `${command()} has no option ${name}`
      if (value !== undefined) continue
      for (let left = values; left > 0 && isValue(words[index + 1]); left--) index += 1
    } else if (help.commands.has(word)) {
      path.push(word)
      help = await readHelp(path)
    } else if (help.commands.size > 0) {
      return `${command()} has no command ${word}`
    } else {
      given += 1
    }
  }
  if (given > help.most) return `${command()} takes no ${given} arguments`
  if (complete && given < help.required) return `${command()} lacks an argument`
  return null
}

function isValue(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith('-')
}
