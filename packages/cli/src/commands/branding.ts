import type { BrandingRule, BrandingTemplate } from '@slipway/contract/branding'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findTemplate } from '../find-template.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { readJsonFile } from '../read-json-file.ts'
import { formatBytes } from '../render/format-bytes.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showListOf } from '../show-list.ts'
import { printTemplate } from '../print-template.ts'
import { addBrandingAssetCommand } from './branding-asset.ts'
import { addBrandingFileCommands } from './branding-file.ts'
import { addPreviewCommand } from './branding-preview.ts'

interface ChangeFlags {
  brandName?: string
  replace?: string[]
  rules?: string
  description?: string
}

interface ArchivedFlags extends PageFlags {
  archived?: true
}

interface UpdateFlags extends ChangeFlags {
  rename?: string
  archive?: true
  restore?: true
}

const brandHelp = 'what {{brand_name}} in a replacement is'
const replaceHelp = 'text and what takes its place in every text file, e.g. "Open WebUI=Acme"'
const rulesHelp =
  'rules from a JSON list of {pattern, replacement, use_regex, files}; -: standard input'

export function addBrandingCommand(program: Command, act: Act): void {
  const branding = program
    .command('branding')
    .description('keep what builds are dressed in: replacements, and files that are copied in')
  addPageOptions(
    branding
      .command('list')
      .description('all templates')
      .option('--archived', 'those that are archived, too'),
  ).action(act((context, flags: ArchivedFlags) => list(context, flags)))
  branding
    .command('show <template>')
    .description('one with its rules and assets, by name or id')
    .action(act((context, _flags, [which = '']) => show(context, which)))
  branding
    .command('create <name>')
    .description('keep a template')
    .option('--brand-name <name>', brandHelp)
    .option('--replace <text=replacement...>', replaceHelp)
    .option('--rules <file>', rulesHelp)
    .option('--description <text>', 'for people')
    .action(act((context, flags: ChangeFlags, [name = '']) => create(context, name, flags)))
  branding
    .command('update <template>')
    .description('change what is named; the rest stays')
    .option('--rename <name>', 'another name')
    .option('--brand-name <name>', brandHelp)
    .option('--replace <text=replacement...>', `all rules anew: ${replaceHelp}`)
    .option('--rules <file>', 'all rules anew, from a JSON list; -: standard input')
    .option('--description <text>', 'for people')
    .option('--archive', 'for no new build, and in no list')
    .option('--restore', 'no longer archived')
    .action(act((context, flags: UpdateFlags, [which = '']) => update(context, which, flags)))
  branding
    .command('duplicate <template> [name]')
    .description('make a copy with its assets')
    .action(act((context, _flags, [which = '', name]) => duplicate(context, which, name)))
  addBrandingFileCommands(branding, act)
  addPreviewCommand(branding, act)
  addBrandingAssetCommand(branding, act)
  branding
    .command('delete <template>')
    .description('delete it, unless builds refer to it and it is not archived')
    .action(act((context, _flags, [which = '']) => remove(context, which)))
}

async function list(context: Context, { archived, ...flags }: ArchivedFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const query = archived === undefined ? {} : { archived }
  const shown = {
    name: 'templates',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.branding.list({ ...query, ...page }, { signal })
      return { items: found.templates, total: found.count }
    },
    header: ['ID', 'NAME', 'BRAND', 'RULES', 'ASSETS'],
    row: (one: BrandingTemplate) => [
      String(one.id),
      one.name,
      one.brand_name ?? '-',
      String(one.replacement_rules.length),
      String(one.assets.length),
    ],
    empty: 'No branding templates. Make one: slipway branding create NAME',
  }
  return showListOf(context, shown, flags)
}

async function show(context: Context, which: string): Promise<number> {
  const { io, styles } = context
  const one = await findTemplate(context, which)
  if (context.json) {
    await printJson(io, one)
    return exitCodes.success
  }
  const brand = one.brand_name === null ? '' : `  ${styles.dim(terminalWord(one.brand_name))}`
  const lines = [
    `${styles.bold(terminalWord(one.name))}${brand}`,
    ...one.replacement_rules.map(ruleLine),
    ...one.assets.map(
      ({ id, asset_type: type, target_path: path, size_bytes: size }) =>
        `${styles.dim(`asset ${id}`)}  ${terminalWord(`${type}  ${path}`)}  ${formatBytes(size)}`,
    ),
  ]
  await io.out.write(`${lines.join('\n')}\n`)
  return exitCodes.success
}

function ruleLine({
  pattern,
  replacement,
  use_regex: isPattern,
  files = [],
}: BrandingRule): string {
  const what = isPattern === true ? `/${pattern}/` : JSON.stringify(pattern)
  const where = files.length === 0 ? '' : `  in ${files.join(' ')}`
  return terminalWord(`${what} → ${JSON.stringify(replacement)}${where}`)
}

async function create(context: Context, name: string, flags: ChangeFlags): Promise<number> {
  const request = { name, ...(await changes(context, flags)) }
  const { client } = await context.connect()
  const made = await client.branding.create(request, { signal: context.io.signal })
  return printTemplate(context, made, 'Keeps')
}

async function update(context: Context, which: string, flags: UpdateFlags): Promise<number> {
  if (flags.archive === true && flags.restore === true) {
    throw new CliError('--archive and --restore do not go together')
  }
  const { id } = await findTemplate(context, which)
  const request = {
    ...(flags.rename === undefined ? {} : { name: flags.rename }),
    ...(await changes(context, flags)),
    ...(flags.archive === true ? { archived: true } : {}),
    ...(flags.restore === true ? { archived: false } : {}),
  }
  if (Object.keys(request).length === 0) {
    throw new CliError('There is nothing to change', 'See slipway branding update --help')
  }
  const { client } = await context.connect()
  const changed = await client.branding.update(id, request, { signal: context.io.signal })
  return printTemplate(context, changed, 'Changed')
}

async function changes(context: Context, { brandName, replace, rules, description }: ChangeFlags) {
  const given = rules === undefined ? [] : await readRules(context, rules)
  const replaced = (replace ?? []).map(ruleOf)
  return {
    ...(brandName === undefined ? {} : { brand_name: brandName === '' ? null : brandName }),
    ...(rules === undefined && replace === undefined
      ? {}
      : { replacement_rules: [...given, ...replaced] }),
    ...(description === undefined ? {} : { description }),
  }
}

/** What is in the list is the server's to judge. */
async function readRules({ io }: Context, file: string): Promise<BrandingRule[]> {
  const hint = 'It is a JSON list of {pattern, replacement, use_regex, files}.'
  const value = await readJsonFile(io, file, hint)
  if (Array.isArray(value)) return value as BrandingRule[]
  throw new CliError(`There is no JSON list in ${file}`, hint)
}

function ruleOf(text: string): BrandingRule {
  const at = text.indexOf('=')
  if (at < 1) throw new CliError(`${text} is no text=replacement`)
  return { pattern: text.slice(0, at), replacement: text.slice(at + 1), use_regex: false }
}

async function duplicate(
  context: Context,
  which: string,
  name: string | undefined,
): Promise<number> {
  const { id } = await findTemplate(context, which)
  const { client } = await context.connect()
  const made = await client.branding.duplicate(id, name, { signal: context.io.signal })
  return printTemplate(context, made, 'Keeps')
}

async function remove(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id, name } = await findTemplate(context, which)
  const { client } = await context.connect()
  await client.branding.delete(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${terminalWord(name)}\n`)
  return exitCodes.success
}
