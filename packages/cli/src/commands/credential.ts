import type { Credential, CredentialType } from '@slipway/contract/credentials'
import { credentialTypes } from '@slipway/contract/vocabulary'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findByName } from '../find-by-name.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { formatInstant } from '../render/format-time.ts'
import { printFacts } from '../render/print-facts.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showList, showListOf } from '../show-list.ts'
import { type DataFlags, readCredentialData } from './credential-data.ts'

const types = Object.keys(credentialTypes) as CredentialType[]

interface CreateFlags extends DataFlags {
  type: CredentialType
  repository?: string[]
  expires?: string
}

interface UpdateFlags extends DataFlags {
  rename?: string
  repository?: string[]
  expires?: string
}

const setHelp = 'what is no secret, e.g. --set username=bob'
const repositoryHelp =
  'whose publishers may name it, as owner/name or owner/*; without any: all, for its registry_url'
const fromHelp =
  'what is secret, from a file, e.g. --from private_key=id_ed25519; -: standard input'

export function addCredentialCommand(program: Command, act: Act): void {
  const credential = program
    .command('credential')
    .description('keep logins of Git remotes and registries')
  addPageOptions(
    credential.command('list').description('all credentials, without what they hold'),
  ).action(act((context, flags: PageFlags) => list(context, flags)))
  credential
    .command('types')
    .description('which types there are, and what each holds')
    .action(act((context) => listTypes(context)))
  credential
    .command('create <name>')
    .description('keep a login; a secret field is piped in, in a file, or asked for')
    .addOption(new Option('--type <type>', 'what it is for').choices(types).makeOptionMandatory())
    .option('--set <field=value...>', setHelp)
    .option('--from <field=file...>', fromHelp)
    .option('--repository <repository...>', repositoryHelp)
    .option('--expires <instant>', 'not used from then on, e.g. 2030-01-31T00:00:00Z')
    .action(act((context, flags: CreateFlags, [name = '']) => create(context, name, flags)))
  credential
    .command('show <credential>')
    .description('one, by name or id, without what it holds')
    .action(act((context, _flags, [which = '']) => show(context, which)))
  credential
    .command('update <credential>')
    .description('change it, by name or id; new fields replace all the old ones')
    .option('--rename <name>', 'another name')
    .option('--set <field=value...>', setHelp)
    .option('--from <field=file...>', fromHelp)
    .option('--repository <repository...>', repositoryHelp)
    .option('--expires <instant>', 'not used from then on; never: no end')
    .action(act((context, flags: UpdateFlags, [which = '']) => update(context, which, flags)))
  credential
    .command('verify <credential>')
    .description('try it: 0 if it was let in, 1 if not')
    .option('--at <url>', 'repository or registry to try it at')
    .action(act((context, flags: { at?: string }, [which = '']) => verify(context, which, flags)))
  credential
    .command('delete <credential>')
    .description('delete it, unless a repository uses it')
    .action(act((context, _flags, [which = '']) => remove(context, which)))
}

async function list(context: Context, flags: PageFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const shown = {
    name: 'credentials',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.credentials.list(page, { signal })
      return { items: found.credentials, total: found.count }
    },
    header: ['ID', 'NAME', 'TYPE', 'EXPIRES'],
    row: (one: Credential) => [
      String(one.id),
      one.name,
      one.credential_type,
      one.expires_at === null ? 'never' : formatInstant(one.expires_at),
    ],
    empty: 'No credentials. Keep one: slipway credential create NAME --type git_https',
  }
  return showListOf(context, shown, flags)
}

async function listTypes(context: Context): Promise<number> {
  // Schemas take longer to load than the rest of the command line: only who needs them does.
  const { credentialFields } = await import('@slipway/contract/credentials')
  const known = types.map((type) => ({
    credential_type: type,
    description: credentialTypes[type],
    fields: credentialFields(type),
  }))
  return showList(context, {
    read: async () => known,
    json: (all) => all,
    header: ['TYPE', 'FIELDS', 'FOR'],
    rows: (all) =>
      all.map(({ credential_type, description, fields }) => [
        credential_type,
        fields.map(({ name, required }) => (required ? name : `[${name}]`)).join(' '),
        description,
      ]),
    empty: 'There are no types.',
  })
}

async function show(context: Context, which: string): Promise<number> {
  const { io } = context
  const one = await findCredential(context, which)
  if (context.json) await printJson(io, one)
  else {
    const { repositories } = one.metadata as { repositories?: unknown }
    await printFacts(context, one.name, [
      ['type', one.credential_type],
      ['expires', one.expires_at === null ? 'never' : `${formatInstant(one.expires_at)} UTC`],
      ['for', Array.isArray(repositories) ? repositories.join(' ') : ''],
      ['id', String(one.id)],
    ])
  }
  return exitCodes.success
}

async function create(context: Context, name: string, flags: CreateFlags): Promise<number> {
  const { io } = context
  const data = await readCredentialData(io, flags.type, flags)
  const { client } = await context.connect()
  const made = await client.credentials.create(
    {
      name,
      credential_type: flags.type,
      credential_data: data,
      ...(flags.repository === undefined ? {} : { metadata: { repositories: flags.repository } }),
      ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
    },
    { signal: io.signal },
  )
  return print(context, made, 'Keeps')
}

async function update(context: Context, which: string, flags: UpdateFlags): Promise<number> {
  const { io } = context
  const { id, credential_type: type, metadata } = await findCredential(context, which)
  const hasData = flags.set !== undefined || flags.from !== undefined
  const request = {
    ...(flags.rename === undefined ? {} : { name: flags.rename }),
    ...(flags.repository === undefined
      ? {}
      : { metadata: { ...metadata, repositories: flags.repository } }),
    ...(flags.expires === undefined
      ? {}
      : { expires_at: flags.expires === 'never' ? null : flags.expires }),
    ...(hasData
      ? { credential_type: type, credential_data: await readCredentialData(io, type, flags) }
      : {}),
  }
  if (Object.keys(request).length === 0) {
    throw new CliError('There is nothing to change', 'See slipway credential update --help')
  }
  const { client } = await context.connect()
  return print(
    context,
    await client.credentials.update(id, request, { signal: io.signal }),
    'Changed',
  )
}

async function print(context: Context, credential: Credential, what: string): Promise<number> {
  const { io } = context
  if (context.json) await printJson(io, credential)
  else await io.err.write(`${what} ${terminalWord(credential.name)} (${credential.id})\n`)
  return exitCodes.success
}

async function verify(context: Context, which: string, flags: { at?: string }): Promise<number> {
  const { io } = context
  const { id } = await findCredential(context, which)
  const { client } = await context.connect()
  const verified = await client.credentials.verify(id, flags.at, { signal: io.signal })
  if (context.json) await printJson(io, verified)
  else await io.out.write(`${terminalWord(verified.message)}\n`)
  return verified.is_verified ? exitCodes.success : exitCodes.failed
}

async function remove(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id, name } = await findCredential(context, which)
  const { client } = await context.connect()
  await client.credentials.delete(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${terminalWord(name)}\n`)
  return exitCodes.success
}

/** By name, else by id. */
export async function findCredential(context: Context, which: string): Promise<Credential> {
  const { client } = await context.connect()
  const { signal } = context.io
  return findByName(which, {
    named: async (name) => (await client.credentials.list({ name }, { signal })).credentials,
    byId: (id) => client.credentials.get(id, { signal }),
    kind: 'credential',
  })
}
