import { readFile } from 'node:fs/promises'
import type {
  CreateWebhookRequest,
  UpdateWebhookRequest,
  Webhook,
} from '@slipway/contract/webhooks'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { addPageOptions, type PageFlags } from '../list-options.ts'
import { formatInstant } from '../render/format-time.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { showListOf } from '../show-list.ts'
import { addDeliveryCommands } from './webhook-deliveries.ts'

interface CreateFlags {
  event?: string[]
  repository?: string[]
  description?: string
  secretFile?: string
  disabled?: true
}

interface UpdateFlags {
  target?: string
  event?: string[]
  allEvents?: true
  repository?: string[]
  allRepositories?: true
  description?: string
  enable?: true
  disable?: true
}

const eventsHelp = 'only these types, or prefixes such as "release.*"; default: every event'

export function addWebhookCommand(program: Command, act: Act): void {
  const webhook = program
    .command('webhook')
    .description('send events to other programs, and see what came of it')
  addPageOptions(webhook.command('list').description('all webhooks, without their secrets')).action(
    act((context, flags: PageFlags) => list(context, flags)),
  )
  webhook
    .command('create <target>')
    .description('send events to a URL; the secret is printed once, alone on standard output')
    .option('--event <type...>', eventsHelp)
    .option('-r, --repository <owner/name...>', 'only of these repositories; default: all')
    .option('--description <text>', 'for people')
    .option('--secret-file <file>', 'sign with the whsec_… in this file; default: a new one')
    .option('--disabled', 'send nothing until it is enabled')
    .action(act((context, flags: CreateFlags, [target = '']) => create(context, target, flags)))
  webhook
    .command('show <webhook>')
    .description('everything about one webhook, but its secret')
    .action(act((context, _flags, [id = '']) => show(context, id)))
  webhook
    .command('update <webhook>')
    .description('change what is named; the rest stays')
    .option('--target <url>', 'send to this URL')
    .option('--event <type...>', eventsHelp)
    .addOption(new Option('--all-events', 'every event').conflicts('event'))
    .option('-r, --repository <owner/name...>', 'only of these repositories')
    .addOption(new Option('--all-repositories', 'of all that may be seen').conflicts('repository'))
    .option('--description <text>', 'for people; empty: none')
    .option('--enable', 'send again, also what was waiting')
    .addOption(new Option('--disable', 'send nothing').conflicts('enable'))
    .action(act((context, flags: UpdateFlags, [id = '']) => update(context, id, flags)))
  webhook
    .command('delete <webhook>')
    .description('delete it with its deliveries')
    .action(act((context, _flags, [id = '']) => remove(context, id)))
  webhook
    .command('rotate-secret <webhook>')
    .description('give it another secret, printed once; for a day both sign')
    .option('--secret-file <file>', 'the whsec_… in this file; default: a new one')
    .action(act((context, flags: CreateFlags, [id = '']) => rotate(context, id, flags)))
  addDeliveryCommands(webhook, act)
}

async function list(context: Context, flags: PageFlags): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const shown = {
    name: 'webhooks',
    read: async (page: { limit: number; offset: number }) => {
      const found = await client.webhooks.list(page, { signal })
      return { items: found.webhooks, total: found.total }
    },
    header: ['ID', 'TARGET', 'EVENTS', 'REPOSITORIES', 'STATE'],
    row: (webhook: Webhook) => [
      webhook.id,
      webhook.url,
      webhook.events?.join(',') ?? 'all',
      webhook.repositories?.join(',') ?? 'all',
      stateOf(webhook),
    ],
    empty: 'No webhooks. Make one: slipway webhook create https://example.com/hook',
  }
  return showListOf(context, shown, flags)
}

function stateOf({ enabled, disabled_reason: reason }: Webhook): string {
  if (enabled) return 'enabled'
  return reason === null ? 'disabled' : `disabled: ${reason}`
}

async function create(context: Context, target: string, flags: CreateFlags): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const request: CreateWebhookRequest = {
    url: target,
    ...(flags.event === undefined ? {} : { events: flags.event }),
    ...(flags.repository === undefined ? {} : { repositories: flags.repository }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
    ...(flags.disabled === undefined ? {} : { enabled: false }),
    ...(await secretOf(flags)),
  }
  const made = await client.webhooks.create(request, { signal: io.signal })
  if (context.json) await printJson(io, made)
  else {
    await io.out.write(`${made.secret}\n`)
    await io.err.write(`Made ${made.id}\n`)
    await io.err.write(context.errorStyles.dim('Keep the secret now: it is not shown again.\n'))
  }
  return exitCodes.success
}

/** A secret comes from a file: on the command line everybody on the machine could read it. */
async function secretOf(flags: { secretFile?: string }): Promise<{ secret?: string }> {
  if (flags.secretFile === undefined) return {}
  try {
    return { secret: (await readFile(flags.secretFile, 'utf8')).trim() }
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new CliError(`${flags.secretFile} cannot be read (${code})`)
  }
}

async function show(context: Context, id: string): Promise<number> {
  const { client } = await context.connect()
  return print(context, await client.webhooks.get(id, { signal: context.io.signal }))
}

async function print(context: Context, webhook: Webhook): Promise<number> {
  const { io, styles } = context
  if (context.json) {
    await printJson(io, webhook)
    return exitCodes.success
  }
  const until = webhook.previous_secret_expires_at
  const fields: [string, string][] = [
    ['id', webhook.id],
    ['target', webhook.url],
    ['events', webhook.events?.join(', ') ?? 'all'],
    ['repositories', webhook.repositories?.join(', ') ?? 'all'],
    ['state', stateOf(webhook)],
    ...(webhook.description === null
      ? []
      : ([['description', webhook.description]] as [string, string][])),
    ...(until === null
      ? []
      : ([['signed twice until', `${formatInstant(until)} UTC`]] as [string, string][])),
    ['made', `${formatInstant(webhook.created_at)} UTC by ${webhook.created_by}`],
    ['changed', `${formatInstant(webhook.updated_at)} UTC`],
  ]
  for (const [name, value] of fields) {
    await io.out.write(`${styles.dim(`${name}:`)} ${terminalWord(value)}\n`)
  }
  return exitCodes.success
}

async function update(context: Context, id: string, flags: UpdateFlags): Promise<number> {
  const request: UpdateWebhookRequest = {
    ...(flags.target === undefined ? {} : { url: flags.target }),
    ...(flags.event === undefined ? {} : { events: flags.event }),
    ...(flags.allEvents === undefined ? {} : { events: null }),
    ...(flags.repository === undefined ? {} : { repositories: flags.repository }),
    ...(flags.allRepositories === undefined ? {} : { repositories: null }),
    ...(flags.description === undefined ? {} : { description: flags.description || null }),
    ...(flags.enable === undefined ? {} : { enabled: true }),
    ...(flags.disable === undefined ? {} : { enabled: false }),
  }
  if (Object.keys(request).length === 0) {
    throw new CliError('There is nothing to change', 'See slipway webhook update --help')
  }
  const { client } = await context.connect()
  return print(context, await client.webhooks.update(id, request, { signal: context.io.signal }))
}

async function remove(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  await client.webhooks.delete(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${id}\n`)
  return exitCodes.success
}

async function rotate(context: Context, id: string, flags: CreateFlags): Promise<number> {
  const { io } = context
  const request = await secretOf(flags)
  const { client } = await context.connect()
  const rotated = await client.webhooks.rotateSecret(id, request, { signal: io.signal })
  if (context.json) await printJson(io, rotated)
  else {
    await io.out.write(`${rotated.secret}\n`)
    const until = rotated.previous_secret_expires_at
    await io.err.write(
      context.errorStyles.dim(`The one before is good until ${formatInstant(until)} UTC.\n`),
    )
  }
  return exitCodes.success
}
