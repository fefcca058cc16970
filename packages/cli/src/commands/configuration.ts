import type {
  Configuration,
  ConfigurationFormat,
  ConfigurationTarget,
} from '@slipway/contract/configurations'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findByName } from '../find-by-name.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { readJsonFile } from '../read-json-file.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showListOf } from '../show-list.ts'

interface ChangeFlags {
  set?: string[]
  from?: string
  target?: string[]
  description?: string
}

interface ArchivedFlags extends PageFlags {
  archived?: true
}

interface UpdateFlags extends ChangeFlags {
  rename?: string
  unset?: string[]
  archive?: true
  restore?: true
}

const setHelp = 'what a key is, e.g. --set WEBUI_NAME=Acme; numbers, true and false are no texts'
const fromHelp = 'keys and values from a JSON object in a file; -: standard input'
const targetHelp = 'file to merge them into, e.g. .env or config/app.yaml:yaml; default: .env'

export function addConfigurationCommand(program: Command, act: Act): void {
  const configuration = program
    .command('configuration')
    .description('keep settings that builds merge into files')
  addPageOptions(
    configuration
      .command('list')
      .description('all configurations')
      .option('--archived', 'those that are archived, too'),
  ).action(act((context, flags: ArchivedFlags) => list(context, flags)))
  configuration
    .command('show <configuration>')
    .description('one with its settings, by name or id')
    .action(act((context, _flags, [which = '']) => show(context, which)))
  configuration
    .command('create <name>')
    .description('keep settings; no secrets, as every viewer sees them')
    .option('--set <key=value...>', setHelp)
    .option('--from <file>', fromHelp)
    .option('--target <path...>', targetHelp)
    .option('--description <text>', 'for people')
    .action(act((context, flags: ChangeFlags, [name = '']) => create(context, name, flags)))
  configuration
    .command('update <configuration>')
    .description('change what is named; the rest stays')
    .option('--rename <name>', 'another name')
    .option('--set <key=value...>', setHelp)
    .option('--unset <key...>', 'keys to take away')
    .option('--from <file>', 'all keys and values anew, from a JSON object; -: standard input')
    .option('--target <path...>', 'all targets anew')
    .option('--description <text>', 'for people')
    .option('--archive', 'for no new build, and in no list')
    .option('--restore', 'no longer archived')
    .action(act((context, flags: UpdateFlags, [which = '']) => update(context, which, flags)))
  configuration
    .command('delete <configuration>')
    .description('delete it, unless builds refer to it and it is not archived')
    .action(act((context, _flags, [which = '']) => remove(context, which)))
}

async function list(context: Context, { archived, ...flags }: ArchivedFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const query = archived === undefined ? {} : { archived }
  const shown = {
    name: 'configurations',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.configurations.list({ ...query, ...page }, { signal })
      return { items: found.configurations, total: found.count }
    },
    header: ['ID', 'NAME', 'KEYS', 'INTO'],
    row: (one: Configuration) => [
      String(one.id),
      one.name,
      String(Object.keys(one.settings).length),
      one.targets.map(({ path }) => path).join(' ') || '-',
    ],
    empty: 'No configurations. Make one: slipway configuration create NAME --set KEY=VALUE',
  }
  return showListOf(context, shown, flags)
}

async function show(context: Context, which: string): Promise<number> {
  const { io, styles } = context
  const one = await findConfiguration(context, which)
  if (context.json) {
    await printJson(io, one)
    return exitCodes.success
  }
  const lines = [
    styles.bold(terminalWord(one.name)),
    ...one.targets.map(({ path, format }) => styles.dim(terminalWord(`into ${path} as ${format}`))),
    ...Object.entries(one.settings).map(([key, value]) =>
      terminalWord(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
    ),
  ]
  await io.out.write(`${lines.join('\n')}\n`)
  return exitCodes.success
}

async function create(context: Context, name: string, flags: ChangeFlags): Promise<number> {
  const settings = await settingsOf(context, flags, {})
  const request = {
    name,
    settings,
    ...(flags.target === undefined ? {} : { targets: flags.target.map(targetOf) }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
  }
  const { client } = await context.connect()
  const made = await client.configurations.create(request, { signal: context.io.signal })
  return print(context, made, 'Keeps')
}

async function update(context: Context, which: string, flags: UpdateFlags): Promise<number> {
  if (flags.archive === true && flags.restore === true) {
    throw new CliError('--archive and --restore do not go together')
  }
  const one = await findConfiguration(context, which)
  const settings = await settingsOf(context, flags, one.settings)
  for (const key of flags.unset ?? []) delete settings[key]
  const { set, unset, from } = flags
  const request = {
    ...(flags.rename === undefined ? {} : { name: flags.rename }),
    ...([set, unset, from].every((flag) => flag === undefined) ? {} : { settings }),
    ...(flags.target === undefined ? {} : { targets: flags.target.map(targetOf) }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
    ...(flags.archive === true ? { archived: true } : {}),
    ...(flags.restore === true ? { archived: false } : {}),
  }
  if (Object.keys(request).length === 0) {
    throw new CliError('There is nothing to change', 'See slipway configuration update --help')
  }
  const { client } = await context.connect()
  const changed = await client.configurations.update(one.id, request, { signal: context.io.signal })
  return print(context, changed, 'Changed')
}

async function settingsOf(
  { io }: Context,
  { set, from }: ChangeFlags,
  before: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const hint = 'It is a JSON object of keys and values.'
  const base = from === undefined ? before : await readJsonFile(io, from, hint)
  if (typeof base !== 'object' || base === null || Array.isArray(base)) {
    throw new CliError(`There is no JSON object in ${from}`, hint)
  }
  return { ...base, ...Object.fromEntries((set ?? []).map(assignment)) }
}

function assignment(text: string): [string, unknown] {
  const at = text.indexOf('=')
  if (at < 1) throw new CliError(`${text} is no key=value`)
  const value = text.slice(at + 1)
  const isPlain = /^(true|false|null|-?(0|[1-9]\d{0,14})(\.\d{1,15})?)$/.test(value)
  return [text.slice(0, at), isPlain ? JSON.parse(value) : value]
}

/** By its ending, unless it says how it is written. */
function targetOf(text: string): ConfigurationTarget {
  const told = /^(.*):(env|json|yaml|toml)$/.exec(text)
  if (told !== null) return { path: told[1] ?? '', format: told[2] as ConfigurationFormat }
  const ending = /\.(json|ya?ml|toml)$/.exec(text)?.[1]
  if (ending === undefined) return { path: text, format: 'env' }
  return { path: text, format: ending === 'yml' ? 'yaml' : (ending as ConfigurationFormat) }
}

async function print(context: Context, one: Configuration, what: string): Promise<number> {
  const { io } = context
  if (context.json) await printJson(io, one)
  else await io.err.write(`${what} ${terminalWord(one.name)} (${one.id})\n`)
  return exitCodes.success
}

async function remove(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id, name } = await findConfiguration(context, which)
  const { client } = await context.connect()
  await client.configurations.delete(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${terminalWord(name)}\n`)
  return exitCodes.success
}

/** By name, else by id; also one that is archived. */
export async function findConfiguration(context: Context, which: string): Promise<Configuration> {
  const { client } = await context.connect()
  const { signal } = context.io
  return findByName(which, {
    named: async (name) =>
      (await client.configurations.list({ name, archived: true }, { signal })).configurations,
    byId: (id) => client.configurations.get(id, { signal }),
    kind: 'configuration',
  })
}
