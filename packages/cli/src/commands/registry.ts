import type { ContainerRegistry, RegistryType } from '@slipway/contract/registries'
import { registryAddresses } from '@slipway/contract/vocabulary'
import { type Command, Option } from 'commander'
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

const types = Object.keys(registryAddresses) as RegistryType[]

interface ChangeFlags {
  at?: string
  namespace?: string
  /** False: none. */
  credential?: string | false
  description?: string
}

interface AddFlags extends ChangeFlags {
  type: RegistryType
}

interface ArchivedFlags extends PageFlags {
  archived?: true
}

interface UpdateFlags extends ChangeFlags {
  rename?: string
  type?: RegistryType
  archive?: true
  restore?: true
}

export function addRegistryCommand(program: Command, act: Act): void {
  const registry = program
    .command('registry')
    .description('say where builds push their images to, and how to get in')
  addPageOptions(
    registry
      .command('list')
      .description('all container registries')
      .option('--archived', 'those that are archived, too'),
  ).action(act((context, flags: ArchivedFlags) => list(context, flags)))
  registry
    .command('show <registry>')
    .description('one, by name or id')
    .action(act((context, _flags, [which = '']) => show(context, which)))
  registry
    .command('create <name>')
    .alias('add')
    .description('keep a registry and try its login: 0 if that went well, 1 if not')
    .addOption(new Option('--type <type>', 'what it is').choices(types).makeOptionMandatory())
    .option('--at <host>', 'host[:port]; needed for aws_ecr and generic')
    .option('--namespace <namespace>', 'what stands before an image’s name: organisation or user')
    .option('--credential <credential>', 'name or id of the stored credential to get in with')
    .option('--description <text>', 'for people')
    .action(act((context, flags: AddFlags, [name = '']) => add(context, name, flags)))
  registry
    .command('update <registry>')
    .description('change what is named; the rest stays')
    .option('--rename <name>', 'another name')
    .addOption(new Option('--type <type>', 'what it is').choices(types))
    .option('--at <host>', 'it is here now, as host[:port]')
    .option('--namespace <namespace>', 'what stands before an image’s name')
    .option('--credential <credential>', 'name or id of the stored credential to get in with')
    .option('--no-credential', 'get in with none')
    .option('--description <text>', 'for people')
    .option('--archive', 'for no new build, and in no list')
    .option('--restore', 'no longer archived')
    .action(act((context, flags: UpdateFlags, [which = '']) => update(context, which, flags)))
  registry
    .command('verify <registry>')
    .alias('test')
    .description('try its login: 0 if it was let in, 1 if not')
    .action(act((context, _flags, [which = '']) => test(context, which)))
  registry
    .command('delete <registry>')
    .alias('remove')
    .description('delete it, unless builds refer to it and it is not archived')
    .action(act((context, _flags, [which = '']) => remove(context, which)))
}

async function list(context: Context, { archived, ...flags }: ArchivedFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const query = archived === undefined ? {} : { archived }
  const shown = {
    name: 'registries',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.registries.list({ ...query, ...page }, { signal })
      return { items: found.registries, total: found.count }
    },
    header: ['ID', 'NAME', 'TYPE', 'VERIFIED', 'AT'],
    row: (one: ContainerRegistry) => [
      String(one.id),
      one.name,
      one.registry_type,
      one.is_verified ? 'yes' : 'no',
      placeOf(one),
    ],
    empty:
      'No container registries. Keep one: slipway registry create NAME --type generic --at HOST',
  }
  return showListOf(context, shown, flags)
}

function placeOf({ registry_url, namespace }: ContainerRegistry): string {
  return namespace === null ? registry_url : `${registry_url}/${namespace}`
}

async function show(context: Context, which: string): Promise<number> {
  const { io } = context
  const one = await findRegistry(context, which)
  if (context.json) {
    await printJson(io, one)
    return exitCodes.success
  }
  await printFacts(context, one.name, [
    ['type', one.registry_type],
    ['at', placeOf(one)],
    ['verified', `${one.is_verified ? 'yes' : 'no'}  ${one.verification_message ?? ''}`.trim()],
    ['login', one.credential_id === null ? 'none' : `credential ${one.credential_id}`],
    ['archived', one.archived ? 'yes' : ''],
    ['id', String(one.id)],
  ])
  return exitCodes.success
}

async function add(context: Context, name: string, flags: AddFlags): Promise<number> {
  const request = { name, registry_type: flags.type, ...(await changes(context, flags)) }
  const { client } = await context.connect()
  const made = await client.registries.create(request, { signal: context.io.signal })
  return tryOut(context, made, 'Keeps')
}

async function update(context: Context, which: string, flags: UpdateFlags): Promise<number> {
  if (flags.archive === true && flags.restore === true) {
    throw new CliError('--archive and --restore do not go together')
  }
  const { id } = await findRegistry(context, which)
  const request = {
    ...(flags.rename === undefined ? {} : { name: flags.rename }),
    ...(flags.type === undefined ? {} : { registry_type: flags.type }),
    ...(await changes(context, flags)),
    ...(flags.archive === true ? { archived: true } : {}),
    ...(flags.restore === true ? { archived: false } : {}),
  }
  if (Object.keys(request).length === 0) {
    throw new CliError('There is nothing to change', 'See slipway registry update --help')
  }
  const { client } = await context.connect()
  const changed = await client.registries.update(id, request, { signal: context.io.signal })
  const isElsewhere = ['registry_url', 'registry_type', 'credential_id'].some(
    (key) => key in request,
  )
  return isElsewhere ? tryOut(context, changed, 'Changed') : print(context, changed, 'Changed')
}

async function changes(context: Context, flags: ChangeFlags) {
  const { at, namespace, credential, description } = flags
  const credentialId =
    typeof credential === 'string' ? (await findCredential(context, credential)).id : null
  return {
    ...(at === undefined ? {} : { registry_url: at }),
    ...(namespace === undefined ? {} : { namespace: namespace === '' ? null : namespace }),
    ...(credential === undefined ? {} : { credential_id: credentialId }),
    ...(description === undefined ? {} : { description }),
  }
}

/** Logs in there: 0 if that went well, 1 if not. */
async function tryOut(context: Context, one: ContainerRegistry, what: string): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const { message, is_verified: isVerified } = await client.registries.test(one.id, { signal })
  await print(context, { ...one, is_verified: isVerified, verification_message: message }, what)
  if (!context.json) await context.io.out.write(`${terminalWord(message)}\n`)
  return isVerified ? exitCodes.success : exitCodes.failed
}

async function print(context: Context, one: ContainerRegistry, what: string): Promise<number> {
  const { io } = context
  if (context.json) await printJson(io, one)
  else await io.err.write(`${what} ${terminalWord(one.name)} (${one.id})\n`)
  return exitCodes.success
}

async function test(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id } = await findRegistry(context, which)
  const { client } = await context.connect()
  const tried = await client.registries.test(id, { signal: io.signal })
  if (context.json) await printJson(io, tried)
  else await io.out.write(`${terminalWord(tried.message)}\n`)
  return tried.is_verified ? exitCodes.success : exitCodes.failed
}

async function remove(context: Context, which: string): Promise<number> {
  const { io } = context
  const { id, name } = await findRegistry(context, which)
  const { client } = await context.connect()
  await client.registries.delete(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${terminalWord(name)}\n`)
  return exitCodes.success
}

/** By name, else by id; also one that is archived. */
export async function findRegistry(context: Context, which: string): Promise<ContainerRegistry> {
  const { client } = await context.connect()
  const { signal } = context.io
  return findByName(which, {
    named: async (name) =>
      (await client.registries.list({ name, archived: true }, { signal })).registries,
    byId: (id) => client.registries.get(id, { signal }),
    kind: 'registry',
  })
}
