import type {
  ChangeRetentionRequest,
  PreviewRetentionQuery,
  RetentionRemoval,
  RetentionResponse,
} from '@slipway/contract/retention'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBytes } from '../render/format-bytes.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'

type Kind = 'runs' | 'logs' | 'jobs' | 'events'
type Flags = Partial<Record<Kind, string>>

const kinds: readonly Kind[] = ['runs', 'logs', 'jobs', 'events']
const takenBack = 'default'

export function addRetentionCommand(program: Command, act: Act): void {
  const retention = program
    .command('retention')
    .description('for how long finished things are kept')
  retention
    .command('show')
    .description('what is kept for how long, why, and how much there is of it')
    .action(act((context) => show(context)))
  withTimes(
    retention.command('preview').description('what the next pass would remove, with these times'),
    '12h, 90d; left out: as it is kept now',
  ).action(act((context, flags: Flags) => preview(context, flags)))
  withTimes(
    retention
      .command('set')
      .description(
        'change times, from the next pass on, on every server; passes are an hour apart',
      ),
    `12h, 90d, or ${takenBack}: what holds where nothing is changed`,
  ).action(act((context, flags: Flags) => set(context, flags)))
}

function withTimes(command: Command, how: string): Command {
  return command
    .option('--runs <time>', `finished runs, builds and delegated jobs: ${how}`)
    .option('--logs <time>', 'logs of runs with no release deployed anywhere')
    .option('--jobs <time>', 'finished jobs in the history')
    .option('--events <time>', 'events that can be read again')
}

async function show(context: Context): Promise<number> {
  const { client } = await context.connect()
  return print(context, await client.retention.read({ signal: context.io.signal }))
}

async function preview(context: Context, flags: Flags): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const removes = await client.retention.preview(named(flags), { signal: io.signal })
  if (context.json) await printJson(io, { removes })
  else await table(context, ['WHAT', 'WOULD GO NOW'], removes.map(removalRow))
  return exitCodes.success
}

async function set(context: Context, flags: Flags): Promise<number> {
  const asked = Object.entries(named(flags))
  if (asked.length === 0) {
    throw new CliError('What is to be kept for how long?', 'Say it like --runs 30d --logs 14d.')
  }
  const request: ChangeRetentionRequest = Object.fromEntries(
    asked.map(([kind, time]) => [kind, time === takenBack ? null : time]),
  )
  const { client } = await context.connect()
  return print(context, await client.retention.change(request, { signal: context.io.signal }))
}

function named(flags: Flags): PreviewRetentionQuery {
  const given = kinds.flatMap((kind) => {
    const time = flags[kind]
    return time === undefined ? [] : [[kind, time] as const]
  })
  return Object.fromEntries(given)
}

async function print(context: Context, answer: RetentionResponse): Promise<number> {
  if (context.json) {
    await printJson(context.io, answer)
    return exitCodes.success
  }
  const rows = answer.retention.flatMap((time) =>
    time.parts.map((part, index) => [
      index === 0 ? time.kind : '',
      index === 0 ? time.kept : '',
      index === 0 ? whence(time) : '',
      part.what,
      `${part.estimated ? '~' : ''}${part.rows ?? '?'}`,
      part.bytes === null ? '' : formatBytes(part.bytes),
      part.last_pass === null
        ? 'not yet'
        : `${part.last_pass.removed} at ${part.last_pass.ended_at.slice(0, 16)}`,
    ]),
  )
  await table(context, ['KIND', 'KEPT', 'SET BY', 'WHAT', 'NOW', 'SIZE', 'LAST REMOVED'], rows)
  return exitCodes.success
}

function whence(time: RetentionResponse['retention'][number]): string {
  if (time.source === 'file') return 'slipway.yaml'
  return time.source === 'changed' ? (time.changed_by ?? 'changed') : time.source
}

function removalRow({ what, rows, at_least: atLeast }: RetentionRemoval): string[] {
  return [what, rows === null ? 'too many to count' : `${rows}${atLeast ? ' or more' : ''}`]
}

async function table(
  { io, styles }: Context,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  const words = rows.map((row) => row.map(terminalWord))
  const [head = '', ...lines] = formatTable(header, words).split('\n')
  await io.out.write(`${styles.dim(head)}\n${lines.join('\n')}`)
}
