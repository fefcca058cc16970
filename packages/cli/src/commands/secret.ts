import type { StepSecret } from '@slipway/contract/secrets'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { readSecret } from '../read-secret.ts'
import { formatInstant } from '../render/format-time.ts'
import { showListOf } from '../show-list.ts'

interface ScopeFlags {
  repository?: string
  organisation?: string
}

interface SetFlags extends ScopeFlags {
  file?: string
}

const repositoryFlag = '-r, --repository <owner/name>'
const organisationFlag = () =>
  new Option('-o, --organisation <owner>', 'of all repositories of this owner').conflicts(
    'repository',
  )

export function addSecretCommand(program: Command, act: Act): void {
  const secret = program.command('secret').description('give steps what nobody else is shown')
  addPageOptions(
    secret
      .command('list')
      .description('names of secrets; their values are never shown')
      .option(repositoryFlag, 'only of this repository')
      .addOption(organisationFlag()),
  ).action(act((context, flags: ScopeFlags & PageFlags) => list(context, flags)))
  secret
    .command('set <name>')
    .description('make a secret or replace it; its value is piped in, in a file, or asked for')
    .option(repositoryFlag, 'of this repository')
    .addOption(organisationFlag())
    .option('-f, --file <file>', 'take the value from this file; -: from standard input')
    .action(act((context, flags: SetFlags, [name = '']) => set(context, name, flags)))
  secret
    .command('delete <name>')
    .description('delete a secret; steps that ask for it fail from then on')
    .option(repositoryFlag, 'of this repository')
    .addOption(organisationFlag())
    .action(act((context, flags: ScopeFlags, [name = '']) => remove(context, name, flags)))
}

function scopeOf({ repository, organisation }: ScopeFlags): string {
  const scope = repository ?? organisation
  if (scope !== undefined) return scope
  throw new CliError(
    'Whose secret is it?',
    'Name a repository (-r owner/name) or an organisation (-o owner).',
  )
}

async function list(context: Context, flags: ScopeFlags & PageFlags): Promise<number> {
  const { signal } = context.io
  const { repository, organisation } = flags
  const { client } = await context.connect()
  const query = {
    ...(repository === undefined ? {} : { repository }),
    ...(organisation === undefined ? {} : { organisation }),
  }
  const shown = {
    name: 'secrets',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.secrets.list({ ...query, ...page }, { signal })
      return { items: found.secrets, total: found.total }
    },
    header: ['SCOPE', 'NAME', 'CHANGED', 'BY'],
    row: ({ scope, name, updated_at, updated_by }: StepSecret) => [
      scope,
      name,
      formatInstant(updated_at),
      updated_by,
    ],
    empty: 'No secrets. Set one: slipway secret set NAME --repository OWNER/NAME',
  }
  return showListOf(context, shown, flags)
}

async function set(context: Context, name: string, flags: SetFlags): Promise<number> {
  const { io } = context
  const scope = scopeOf(flags)
  const value = await readSecret(io, { file: flags.file, question: `${name} of ${scope}: ` })
  const { client } = await context.connect()
  const secret = await client.secrets.set(scope, name, value, { signal: io.signal })
  if (context.json) await printJson(io, secret)
  else await io.err.write(`Set ${name} of ${scope}\n`)
  return exitCodes.success
}

async function remove(context: Context, name: string, flags: ScopeFlags): Promise<number> {
  const { io } = context
  const scope = scopeOf(flags)
  const { client } = await context.connect()
  await client.secrets.delete(scope, name, { signal: io.signal })
  if (context.json) await printJson(io, { scope, name, deleted: true })
  else await io.err.write(`Deleted ${name} of ${scope}\n`)
  return exitCodes.success
}
