import type { DelegatedJob, DelegationStatus } from '@slipway/contract/delegations'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { formatDuration, formatSpan } from '../render/format-time.ts'
import { formatTable } from '../render/table.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'
import {
  describeJob,
  jobStatuses,
  outcomeOf,
  printFollowedLine,
  splitStamp,
  writeLogLine,
} from './job-end.ts'

interface ListFlags {
  repository?: string
  status?: DelegationStatus
  limit: number
  page: number
}

interface LogFlags {
  follow?: true
  tail?: number
  after?: number
}

export function addJobCommand(program: Command, act: Act): void {
  const job = program.command('job').description('jobs of GitHub Actions in ephemeral containers')
  job
    .command('list')
    .description('the newest delegated jobs')
    .option('-r, --repository <owner/name>', 'only of this one', repositoryName)
    .addOption(new Option('--status <status>', 'only these').choices(jobStatuses))
    .option('-n, --limit <n>', 'how many, 1 to 100', integerBetween(1, 100), 20)
    .option('--page <n>', 'which page of so many', integerBetween(1, 2_147_483_647), 1)
    .action(act((context, flags: ListFlags) => list(context, flags)))
  job
    .command('show <job>')
    .description('a job, and why it waits or ended as it did')
    .action(act((context, _flags, [id = '']) => show(context, id)))
  job
    .command('watch <job>')
    .description('tell of each change until it has ended, and exit with its outcome')
    .action(act((context, _flags, [id = '']) => watch(context, id)))
  job
    .command('logs <job>')
    .description('its log; each line begins with its time')
    .option('-f, --follow', 'go on with what is written, until the job has ended')
    .option('-n, --tail <n>', 'only the last lines', integerBetween(0, 1_000_000))
    .option('--after <line>', 'with -f: only lines behind this one', integerBetween(0, 2 ** 53 - 1))
    .action(act((context, flags: LogFlags, [id = '']) => logs(context, id, flags)))
  job
    .command('cancel <job>')
    .description('stop it; its container is removed')
    .action(act((context, _flags, [id = '']) => cancel(context, id)))
}

async function list(context: Context, flags: ListFlags): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const { data, pagination } = await client.jobs.list(flags, { signal: io.signal })
  if (context.json) {
    await printJson(io, { jobs: data, ...pagination })
    return exitCodes.success
  }
  if (data.length === 0) {
    await io.err.write('No jobs.\n')
    return exitCodes.success
  }
  const header = ['JOB', 'STATUS', 'REPOSITORY', 'WORKFLOW', 'NAME', 'CLASS', 'WAITED', 'TOOK']
  const [head = '', ...rows] = formatTable(header, data.map(listRow)).split('\n')
  await io.out.write(`${styles.dim(head)}\n${rows.join('\n')}`)
  const { page, totalPages, total } = pagination
  if (page < totalPages) {
    await io.err.write(styles.dim(`of ${total}; go on with --page ${page + 1}\n`))
  }
  return exitCodes.success
}

function listRow(job: DelegatedJob): string[] {
  const { metadata, jobId, githubJobId, startedAt, completedAt } = job
  const spans = { started_at: startedAt, completed_at: completedAt }
  return [
    job.id,
    job.status,
    job.repository,
    job.workflow ?? '-',
    jobId ?? String(githubJobId ?? '-'),
    metadata.runnerClass ?? '-',
    metadata.queueMs === null ? '-' : formatDuration(metadata.queueMs),
    formatSpan(spans, Date.now()) || '-',
  ].map(terminalWord)
}

async function show(context: Context, id: string): Promise<number> {
  const { io, styles } = context
  const { client } = await context.connect()
  const job = await client.jobs.get(id, { signal: io.signal })
  if (context.json) {
    await printJson(io, job)
    return exitCodes.success
  }
  const { metadata } = job
  const facts: [string, string | null][] = [
    ['repository', job.repository],
    ['run', `${job.runId}, attempt ${job.runAttempt}`],
    ['workflow', job.workflow],
    ['name', job.jobId],
    ['commit', job.sha],
    ['ref', job.ref],
    ['by', job.actor],
    ['labels', job.labels.join(' ')],
    ['class', metadata.runnerClass],
    ['runner', job.runnerId],
    ['container', job.containerId],
    ['proxy', job.runnerName],
    ['delegated', metadata.delegatedAt],
    ['started', job.startedAt],
    ['ended', job.completedAt],
  ]
  const lines = facts
    .filter((fact): fact is [string, string] => fact[1] !== null && fact[1] !== '')
    .map(([key, value]) => `${styles.dim(key.padEnd(12))}${terminalWord(value)}`)
  await io.out.write(`${[styles.bold(describeJob(job)), ...lines].join('\n')}\n`)
  return exitCodes.success
}

async function watch(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  let last: DelegatedJob | null = null
  let told = ''
  try {
    for await (const job of client.jobs.watch(id, { signal: io.signal })) {
      last = job
      if (context.json) {
        await printJson(io, job)
        continue
      }
      const line = describeJob(job)
      if (line !== told) await io.out.write(`${line}\n`)
      told = line
    }
  } catch (error) {
    if (io.signal.aborted)
      await io.err.write(`The job goes on. Stop it: slipway job cancel ${id}\n`)
    throw error
  }
  return last === null ? exitCodes.failed : outcomeOf(last)
}

async function logs(context: Context, id: string, flags: LogFlags): Promise<number> {
  const { io, json } = context
  const { client } = await context.connect()
  const { signal } = io
  if (flags.follow === true) {
    const { tail, after } = flags
    for await (const line of client.jobs.followLogs(id, { tail, after, signal })) {
      await printFollowedLine(context, line)
    }
    return exitCodes.success
  }
  const text = await client.jobs.logs(id, { tail: flags.tail, signal })
  for (const line of text === '' ? [] : text.split('\n')) {
    const { begin, timestamp } = splitStamp(line)
    if (json) await printJson(io, { timestamp, line: line.slice(begin.length) })
    else await writeLogLine(context, line)
  }
  return exitCodes.success
}

async function cancel(context: Context, id: string): Promise<number> {
  const { client } = await context.connect()
  const job = await client.jobs.cancel(id, { signal: context.io.signal })
  if (context.json) await printJson(context.io, job)
  else await context.io.err.write(`Cancelled ${terminalWord(job.id)}\n`)
  return exitCodes.success
}
