import type {
  ListRunnersResponse,
  Runner,
  RunnerClassInfo,
  RunnerStatus,
  RunnerType,
} from '@slipway/contract/runners'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { addNumberedPageOptions, addWatchOption, type PageFlags } from '../list-options.ts'
import { pageAt } from '../read-list.ts'
import { formatBytes } from '../render/format-bytes.ts'
import { formatDuration, formatInstant } from '../render/format-time.ts'
import { printFacts } from '../render/print-facts.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'
import { countedEveryMs, showList } from '../show-list.ts'

interface ListFlags extends PageFlags {
  type?: RunnerType
  status?: RunnerStatus
  repository?: string
  page?: number
}

const types: readonly RunnerType[] = ['proxy', 'ephemeral', 'dedicated']
const statuses: readonly RunnerStatus[] = ['idle', 'busy', 'offline', 'starting', 'stopping']

export function addRunnerCommand(program: Command, act: Act): void {
  const runner = program.command('runner').description('who takes jobs, and what serves which')
  addNumberedPageOptions(
    runner
      .command('list')
      .description('proxies, ephemeral runners, and those that GitHub lists')
      .addOption(new Option('--type <type>', 'only these').choices(types))
      .addOption(new Option('--status <status>', 'only these').choices(statuses))
      .option('-r, --repository <owner/name>', 'only of this repository', repositoryName),
    { most: 1_000, usual: 1_000 },
  ).action(act((context, flags: ListFlags) => list(context, flags)))
  runner
    .command('show <runner>')
    .description('one runner')
    .action(act((context, _flags, [id = '']) => show(context, id)))
  addWatchOption(
    runner
      .command('classes')
      .description('what serves which jobs, as configured, and how busy it is'),
  ).action(act((context, flags: { watch?: boolean }) => classes(context, flags)))
  runner
    .command('delete <runner>')
    .alias('remove')
    .description('forget a runner; one that GitHub lists is removed there, too')
    .action(act((context, _flags, [id = '']) => remove(context, id)))
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { signal } = context.io
  const { type, status, repository, limit } = flags
  const { client } = await context.connect()
  const query = {
    limit,
    page: pageAt(flags),
    ...(type === undefined ? {} : { type }),
    ...(status === undefined ? {} : { status }),
    ...(repository === undefined ? {} : { repository }),
  }
  const shown = {
    read: () => client.runners.list(query, { signal }),
    json: ({ data, pagination }: ListRunnersResponse) => ({ runners: data, ...pagination }),
    header: ['ID', 'NAME', 'TYPE', 'STATUS', 'REPOSITORY', 'CLASS', 'SEEN', 'LABELS'],
    rows: ({ data }: ListRunnersResponse) => data.map(listRow),
    total: ({ pagination }: ListRunnersResponse) => pagination.total,
    empty: 'No runners. What serves jobs without one: slipway runner classes',
    everyMs: countedEveryMs,
  }
  return showList(context, shown, { ...flags, offset: (query.page - 1) * limit })
}

function listRow(runner: Runner): string[] {
  const { id, name, type, status, repository, runnerClass, lastHeartbeat, labels } = runner
  const seen = `${formatDuration(Math.max(0, Date.now() - Date.parse(lastHeartbeat)))} ago`
  return [id, name, type, status, repository ?? '-', runnerClass ?? '-', seen, labels.join(' ')]
}

async function show(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const runner = await client.runners.get(id, { signal: io.signal })
  if (context.json) {
    await printJson(io, runner)
    return exitCodes.success
  }
  await printFacts(context, runner.name, [
    ['type', runner.type],
    ['status', runner.status],
    ['labels', runner.labels.join(' ')],
    ['repository', runner.repository],
    ['class', runner.runnerClass],
    ['job', runner.jobId],
    ['container', runner.containerId],
    ['last seen', `${formatInstant(runner.lastHeartbeat)} UTC`],
    ['id', runner.id],
  ])
  return exitCodes.success
}

async function classes(context: Context, flags: { watch?: boolean }): Promise<number> {
  const { signal } = context.io
  const { client } = await context.connect()
  const shown = {
    read: () => client.runners.classes({ signal }),
    json: (found: RunnerClassInfo[]) => ({ classes: found }),
    header: ['CLASS', 'ACTIVE', 'QUEUED', 'MOST', 'WARM', 'LIMITS', 'IMAGE', 'LABELS'],
    rows: (found: RunnerClassInfo[]) => found.map(classRow),
    empty: 'No runner classes: configure some in the file of SLIPWAY_CONFIG',
    everyMs: countedEveryMs,
  }
  return showList(context, shown, flags)
}

function classRow(one: RunnerClassInfo): string[] {
  const counts = [one.active, one.queued, one.maxRunners, one.warm].map(String)
  return [one.name, ...counts, limitsOf(one), one.image, one.labels.join(' ')]
}

function limitsOf({ limits }: RunnerClassInfo): string {
  const { memoryBytes, cpus, timeoutMs } = limits
  const words = [
    memoryBytes === null ? '' : formatBytes(memoryBytes),
    cpus === null ? '' : `${cpus} cpus`,
    formatDuration(timeoutMs),
  ]
  return words.filter(Boolean).join(', ')
}

async function remove(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  await client.runners.delete(id, { signal: io.signal })
  if (context.json) await printJson(io, { id, deleted: true })
  else await io.err.write(`Deleted ${terminalWord(id)}\n`)
  return exitCodes.success
}
