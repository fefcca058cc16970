import type { Repository } from '@slipway/contract/repositories'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findByName } from '../find-by-name.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { printFacts } from '../render/print-facts.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showListOf } from '../show-list.ts'
import { findCredential } from './credential.ts'

interface AddFlags {
  /** False: none. */
  credential?: string | false
  branch?: string
  description?: string
}

interface ArchivedFlags extends PageFlags {
  archived?: true
}

interface UpdateFlags extends AddFlags {
  at?: string
  rename?: string
  archive?: true
  restore?: true
}

export function addRepositoryCommand(program: Command, act: Act): void {
  const repository = program
    .command('repository')
    .description('say where repositories are, and how to get in')
  addPageOptions(
    repository
      .command('list')
      .description('all registered repositories')
      .option('--archived', 'those that are archived, too'),
  ).action(act((context, flags: ArchivedFlags) => list(context, flags)))
  repository
    .command('create <name> <location>')
    .alias('add')
    .description('register the URL of owner/name and contact it: 0 if that went well, 1 if not')
    .option('--credential <credential>', 'name or id of the stored credential to get in with')
    .option('--branch <branch>', 'default branch; default: the one that the remote names')
    .option('--description <text>', 'for people')
    .action(
      act((context, flags: AddFlags, [name = '', url = '']) => add(context, { name, url }, flags)),
    )
  repository
    .command('show <repository>')
    .description('one, by name or id, and whether it was reached')
    .action(act((context, _flags, [which = '']) => show(context, which)))
  repository
    .command('update <repository>')
    .description('change what is named; the rest stays')
    .option('--at <url>', 'it is here now')
    .option('--rename <name>', 'another name')
    .option('--credential <credential>', 'name or id of the stored credential to get in with')
    .option('--no-credential', 'get in with none')
    .option('--branch <branch>', 'default branch')
    .option('--description <text>', 'for people')
    .option('--archive', 'for no new build, and in no list')
    .option('--restore', 'no longer archived')
    .action(act((context, flags: UpdateFlags, [which = '']) => update(context, which, flags)))
  repository
    .command('verify <repository>')
    .description('contact it: 0 if that went well, 1 if not')
    .option('--accept-new-host-key', 'believe the host key that the server shows now')
    .action(
      act((context, flags: { acceptNewHostKey?: true }, [which = '']) =>
        verify(context, which, flags),
      ),
    )
  repository
    .command('branches <repository>')
    .description('the branches that the remote has at this moment')
    .action(act((context, _flags, [which = '']) => branches(context, which)))
  repository
    .command('delete <repository>')
    .alias('remove')
    .description('forget where it is; it is looked for at GIT_BASE_URL then')
    .action(act((context, _flags, [which = '']) => remove(context, which)))
}

async function list(context: Context, { archived, ...flags }: ArchivedFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const query = archived === undefined ? {} : { archived }
  const shown = {
    name: 'repositories',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.repositories.list({ ...query, ...page }, { signal })
      return { items: found.repositories, total: found.count }
    },
    header: ['ID', 'NAME', 'VERIFIED', 'URL'],
    row: (one: Repository) => [
      String(one.id),
      one.name,
      one.is_verified ? 'yes' : 'no',
      one.repository_url,
    ],
    empty: 'No repositories are registered. Register one: slipway repository create OWNER/NAME URL',
  }
  return showListOf(context, shown, flags)
}

async function show(context: Context, which: string): Promise<number> {
  const { io } = context
  const one = await findRepository(context, which)
  if (context.json) await printJson(io, one)
  else {
    await printFacts(context, one.name, [
      ['url', one.repository_url],
      ['branch', one.default_branch],
      ['verified', `${one.is_verified ? 'yes' : 'no'}  ${one.verification_message ?? ''}`.trim()],
      ['login', one.credential_id === null ? 'none' : `credential ${one.credential_id}`],
      ['host keys', one.host_key_fingerprints.join(' ')],
      ['about', one.description],
      ['archived', one.archived ? 'yes' : ''],
      ['id', String(one.id)],
    ])
  }
  return exitCodes.success
}

async function add(
  context: Context,
  { name, url }: { name: string; url: string },
  flags: AddFlags,
): Promise<number> {
  const request = { name, repository_url: url, ...(await changes(context, flags)) }
  const { client } = await context.connect()
  return print(
    context,
    await client.repositories.create(request, { signal: context.io.signal }),
    'Registered',
  )
}

async function update(context: Context, which: string, flags: UpdateFlags): Promise<number> {
  if (flags.archive === true && flags.restore === true) {
    throw new CliError('--archive and --restore do not go together')
  }
  const { id } = await findRepository(context, which)
  const request = {
    ...(flags.rename === undefined ? {} : { name: flags.rename }),
    ...(flags.at === undefined ? {} : { repository_url: flags.at }),
    ...(await changes(context, flags)),
    ...(flags.archive === true ? { archived: true } : {}),
    ...(flags.restore === true ? { archived: false } : {}),
  }
  if (Object.keys(request).length === 0) {
    throw new CliError('There is nothing to change', 'See slipway repository update --help')
  }
  const { client } = await context.connect()
  return print(
    context,
    await client.repositories.update(id, request, { signal: context.io.signal }),
    'Changed',
  )
}

async function changes(context: Context, flags: AddFlags) {
  const { credential, branch, description } = flags
  const credentialId =
    typeof credential === 'string' ? (await findCredential(context, credential)).id : null
  return {
    ...(credential === undefined ? {} : { credential_id: credentialId }),
    ...(branch === undefined ? {} : { default_branch: branch }),
    ...(description === undefined ? {} : { description }),
  }
}

async function print(context: Context, one: Repository, what: string): Promise<number> {
  const { io } = context
  if (context.json) await printJson(io, one)
  else {
    await io.err.write(`${what} ${terminalWord(one.name)} (${one.id})\n`)
    await io.out.write(`${terminalWord(one.verification_message ?? '')}\n`)
    for (const fingerprint of one.host_key_fingerprints) {
      await io.out.write(`Host key: ${terminalWord(fingerprint)}\n`)
    }
  }
  return one.is_verified ? exitCodes.success : exitCodes.failed
}

async function verify(
  context: Context,
  which: string,
  flags: { acceptNewHostKey?: true },
): Promise<number> {
  const { io } = context
  const { id } = await findRepository(context, which)
  const { client } = await context.connect()
  const request = flags.acceptNewHostKey === true ? { accept_new_host_key: true } : {}
  const verified = await client.repositories.verify(id, request, { signal: io.signal })
  if (context.json) await printJson(io, verified)
  else await io.out.write(`${terminalWord(verified.message)}\n`)
  return verified.is_verified ? exitCodes.success : exitCodes.failed
}

async function branches(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id } = await findRepository(context, which)
  const { client } = await context.connect()
  const found = await client.repositories.branches(id, { signal: io.signal })
  if (context.json) await printJson(io, { branches: found, total: found.length })
  else {
    const rows = found.map((branch) => [
      branch.is_default ? '*' : ' ',
      branch.commit_sha.slice(0, 12),
      terminalWord(branch.name),
    ])
    for (const row of rows) await io.out.write(`${row.join(' ')}\n`)
  }
  return exitCodes.success
}

async function remove(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id, name } = await findRepository(context, which)
  const { client } = await context.connect()
  await client.repositories.delete(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${terminalWord(name)}\n`)
  return exitCodes.success
}

/** By name, else by id; also one that is archived. */
export async function findRepository(context: Context, which: string): Promise<Repository> {
  const { client } = await context.connect()
  const { signal } = context.io
  return findByName(which, {
    named: async (name) =>
      (await client.repositories.list({ name, archived: true }, { signal })).repositories,
    byId: (id) => client.repositories.get(id, { signal }),
    kind: 'repository',
  })
}
