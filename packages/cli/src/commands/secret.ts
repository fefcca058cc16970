import type { StepSecret } from '@slipway/contract/secrets'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { readSecret } from '../read-secret.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'

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
  secret
    .command('list')
    .description('names of secrets; their values are never shown')
    .option(repositoryFlag, 'only of this repository')
    .addOption(organisationFlag())
    .action(act((context, flags: ScopeFlags) => list(context, flags)))
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

async function list(context: Context, flags: ScopeFlags): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const query = {
    ...(flags.repository === undefined ? {} : { repository: flags.repository }),
    ...(flags.organisation === undefined ? {} : { organisation: flags.organisation }),
  }
  const secrets: StepSecret[] = []
  for await (const secret of client.secrets.iterate(query, { signal: io.signal })) {
    secrets.push(secret)
  }
  if (context.json) {
    await printJson(io, { secrets, total: secrets.length })
    return exitCodes.success
  }
  const rows = secrets.map((secret) =>
    [secret.scope, secret.name, secret.updated_at.slice(0, 16), secret.updated_by].map(
      terminalWord,
    ),
  )
  const header = ['SCOPE', 'NAME', 'CHANGED', 'BY']
  const [head = '', ...lines] = formatTable(header, rows).split('\n')
  await io.out.write(`${styles.dim(head)}\n${lines.join('\n')}`)
  return exitCodes.success
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
