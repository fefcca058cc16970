import type { Runner, RunnerClassInfo, RunnerStatus, RunnerType } from '@slipway/contract/runners'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatBytes } from '../render/format-bytes.ts'
import { formatDuration } from '../render/format-time.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'

interface ListFlags {
  type?: RunnerType
  status?: RunnerStatus
  repository?: string
  limit: number
  page: number
}

const types: readonly RunnerType[] = ['proxy', 'ephemeral', 'dedicated']
const statuses: readonly RunnerStatus[] = ['idle', 'busy', 'offline', 'starting', 'stopping']

export function addRunnerCommand(program: Command, act: Act): void {
  const runner = program.command('runner').description('who takes jobs, and what serves which')
  runner
    .command('list')
    .description('proxies, ephemeral runners, and those that GitHub lists')
    .addOption(new Option('--type <type>', 'only these').choices(types))
    .addOption(new Option('--status <status>', 'only these').choices(statuses))
    .option('-r, --repository <owner/name>', 'only of this one', repositoryName)
    .option('-n, --limit <n>', 'how many, 1 to 1000', integerBetween(1, 1_000), 1_000)
    .option('--page <n>', 'which page of so many', integerBetween(1, 1_000_000), 1)
    .action(act((context, flags: ListFlags) => list(context, flags)))
  runner
    .command('show <id>')
    .description('one runner')
    .action(act((context, _flags, [id = '']) => show(context, id)))
  runner
    .command('classes')
    .description('what serves which jobs, as configured, and how busy it is')
    .action(act((context) => classes(context)))
  runner
    .command('remove <id>')
    .description('forget a runner; one that GitHub lists is removed there, too')
    .action(act((context, _flags, [id = '']) => remove(context, id)))
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const { data, pagination } = await client.runners.list(flags, { signal: io.signal })
  if (context.json) {
    await printJson(io, { runners: data, ...pagination })
    return exitCodes.success
  }
  if (data.length === 0) {
    await io.err.write('No runners.\n')
    return exitCodes.success
  }
  const header = ['ID', 'NAME', 'TYPE', 'STATUS', 'REPOSITORY', 'CLASS', 'SEEN', 'LABELS']
  await printTable(context, header, data.map(listRow))
  const { page, totalPages, total } = pagination
  if (page < totalPages) await io.err.write(`of ${total}; go on with --page ${page + 1}\n`)
  return exitCodes.success
}

function listRow(runner: Runner): string[] {
  const { id, name, type, status, repository, runnerClass, lastHeartbeat, labels } = runner
  const seen = `${formatDuration(Math.max(0, Date.now() - Date.parse(lastHeartbeat)))} ago`
  return [id, name, type, status, repository ?? '-', runnerClass ?? '-', seen, labels.join(' ')]
}

async function show(context: Context, id: string): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const runner = await client.runners.get(id, { signal: io.signal })
  if (context.json) {
    await printJson(io, runner)
    return exitCodes.success
  }
  const facts: [string, string | null][] = [
    ['type', runner.type],
    ['status', runner.status],
    ['labels', runner.labels.join(' ')],
    ['repository', runner.repository],
    ['class', runner.runnerClass],
    ['job', runner.jobId],
    ['container', runner.containerId],
    ['last seen', runner.lastHeartbeat],
    ['id', runner.id],
  ]
  const lines = facts
    .filter((fact): fact is [string, string] => fact[1] !== null && fact[1] !== '')
    .map(([key, value]) => `${styles.dim(key.padEnd(12))}${terminalWord(value)}`)
  await io.out.write(`${[styles.bold(terminalWord(runner.name)), ...lines].join('\n')}\n`)
  return exitCodes.success
}

async function classes(context: Context): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const found = await client.runners.classes({ signal: io.signal })
  if (context.json) {
    await printJson(io, { classes: found })
    return exitCodes.success
  }
  if (found.length === 0) {
    await io.err.write('No runner classes: configure some in the file of SLIPWAY_CONFIG\n')
    return exitCodes.success
  }
  const header = ['CLASS', 'ACTIVE', 'QUEUED', 'MOST', 'WARM', 'LIMITS', 'IMAGE', 'LABELS']
  await printTable(context, header, found.map(classRow))
  return exitCodes.success
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
  else await io.err.write(`Removed ${terminalWord(id)}\n`)
  return exitCodes.success
}

async function printTable(
  { io, styles }: Context,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  const safe = rows.map((row) => row.map(terminalWord))
  const [head = '', ...lines] = formatTable(header, safe).split('\n')
  await io.out.write(`${styles.dim(head)}\n${lines.join('\n')}`)
}
