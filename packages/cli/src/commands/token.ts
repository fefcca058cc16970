import type { CreatedToken, Token } from '@slipway/contract/access'
import { roles } from '@slipway/contract/vocabulary'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { formatInstant } from '../render/format-time.ts'
import { showListOf } from '../show-list.ts'

interface CreateFlags {
  role: (typeof roles)[number][]
  repository?: string[]
  expires?: string
}

interface RotateFlags {
  expires?: string
}

export function addTokenCommand(program: Command, act: Act): void {
  const token = program.command('token').description('make, list, rotate and revoke API tokens')
  token
    .command('create <name>')
    .description('make a token; it is printed once, alone on standard output')
    .addOption(
      new Option('--role <role...>', 'what it may do').choices(roles).makeOptionMandatory(),
    )
    .option('-r, --repository <owner/name...>', 'the only repositories it sees; default: all')
    .option('--expires <when>', '90d, 12h, 30m, or a date such as 2030-01-31', expiry)
    .action(act((context, flags: CreateFlags, [name = '']) => create(context, name, flags)))
  addPageOptions(token.command('list').description('all tokens, without their secrets')).action(
    act((context, flags: PageFlags) => list(context, flags)),
  )
  token
    .command('rotate <token>')
    .description('give a token a new secret, printed once; the one before is refused from then on')
    .option(
      '--expires <when>',
      '90d, 12h, 30m, or a date such as 2030-01-31; default: as before',
      expiry,
    )
    .action(act((context, flags: RotateFlags, [which = '']) => rotate(context, which, flags)))
  token
    .command('revoke <token>')
    .alias('delete')
    .description('make a token invalid, by id or name')
    .action(act((context, _flags, [which = '']) => revoke(context, which)))
}

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** An instant in the future, from a duration or a date. */
function expiry(text: string): string {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const isDate = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text)
  const at =
    count !== undefined
      ? Date.now() + Number(count) * units[unit as keyof typeof units]
      : isDate
        ? Date.parse(text)
        : Number.NaN
  if (Number.isNaN(at)) throw new InvalidArgumentError('Say it like 90d, 12h or 2030-01-31.')
  if (at <= Date.now()) throw new InvalidArgumentError('That is in the past.')
  return new Date(at).toISOString()
}

async function create(context: Context, name: string, flags: CreateFlags): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const request = {
    name,
    roles: flags.role,
    ...(flags.repository === undefined ? {} : { repositories: flags.repository }),
    ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
  }
  return printOnce(context, await client.tokens.create(request, { signal: io.signal }))
}

async function rotate(context: Context, which: string, flags: RotateFlags): Promise<number> {
  const { client } = await context.connect()
  const { expires } = flags
  const request = expires === undefined ? {} : { expires_at: expires }
  const id = await idOf(context, which)
  return printOnce(context, await client.tokens.rotate(id, request, { signal: context.io.signal }))
}

async function printOnce(context: Context, made: CreatedToken): Promise<number> {
  const { io } = context
  if (context.json) await printJson(io, made)
  else {
    await io.out.write(`${made.token}\n`)
    await io.err.write(context.errorStyles.dim('Keep it now: it is not shown again.\n'))
  }
  return exitCodes.success
}

async function list(context: Context, flags: PageFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const shown = {
    name: 'tokens',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.tokens.list(page, { signal })
      return { items: found.tokens, total: found.total }
    },
    header: ['ID', 'NAME', 'ROLES', 'REPOSITORIES', 'EXPIRES', 'LAST USED'],
    row: (token: Token) => [
      token.id,
      token.name,
      token.roles.join(','),
      token.repositories?.join(',') ?? 'all',
      token.expires_at === null ? 'never' : formatInstant(token.expires_at),
      token.last_used_at === null ? 'never' : formatInstant(token.last_used_at),
    ],
    empty: 'No tokens. Make one: slipway token create NAME --role viewer',
  }
  return showListOf(context, shown, flags)
}

async function revoke(context: Context, which: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const id = await idOf(context, which)
  await client.tokens.revoke(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, revoked: true })
  else await io.err.write(`Revoked ${id}\n`)
  return exitCodes.success
}

async function idOf(context: Context, which: string): Promise<string> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(which)
  return isId ? which : findByName(context, which)
}

async function findByName(context: Context, name: string): Promise<string> {
  const { client } = await context.connect()
  const found: string[] = []
  for await (const token of client.tokens.iterate({}, { signal: context.io.signal })) {
    if (token.name === name) found.push(token.id)
  }
  const [id] = found
  if (id !== undefined && found.length === 1) return id
  const problem =
    id === undefined ? 'No token has the name' : `${found.length} tokens have the name`
  throw new CliError(
    `${problem} ${name}`,
    'See which there are: slipway token list',
    exitCodes.refused,
  )
}
