import type {
  DelegatedJob,
  DelegationStatus,
  ListDelegatedJobsResponse,
} from '@slipway/contract/delegations'
import { type Command, Option } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { addNumberedPageOptions, type PageFlags } from '../list-options.ts'
import { pageAt } from '../read-list.ts'
import { formatDuration, formatInstant, formatSpan } from '../render/format-time.ts'
import { printFacts } from '../render/print-facts.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'
import { countedEveryMs, showList } from '../show-list.ts'
import { addDelegateOptions } from './delegate.ts'
import {
  describeJob,
  jobStatuses,
  outcomeOf,
  printFollowedLine,
  splitStamp,
  writeLogLine,
} from './job-end.ts'

interface ListFlags extends PageFlags {
  repository?: string
  status?: DelegationStatus
  page?: number
}

interface LogFlags {
  follow?: true
  tail?: number
  after?: number
}

export function addJobCommand(program: Command, act: Act): void {
  const job = program.command('job').description('jobs of GitHub Actions in ephemeral containers')
  addDelegateOptions(job.command('create'), act)
  addNumberedPageOptions(
    job
      .command('list')
      .description('the newest delegated jobs')
      .option('-r, --repository <owner/name>', 'only of this repository', repositoryName)
      .addOption(new Option('--status <status>', 'only these').choices(jobStatuses)),
    { most: 100, usual: 20 },
  ).action(act((context, flags: ListFlags) => list(context, flags)))
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
  const { signal } = context.io
  const { repository, status, limit } = flags
  const { client } = await context.connect()
  const query = {
    limit,
    page: pageAt(flags),
    ...(repository === undefined ? {} : { repository }),
    ...(status === undefined ? {} : { status }),
  }
  const shown = {
    read: () => client.jobs.list(query, { signal }),
    json: ({ data, pagination }: ListDelegatedJobsResponse) => ({ jobs: data, ...pagination }),
    header: ['JOB', 'STATUS', 'REPOSITORY', 'WORKFLOW', 'NAME', 'CLASS', 'WAITED', 'TOOK'],
    rows: ({ data }: ListDelegatedJobsResponse) => data.map(listRow),
    total: ({ pagination }: ListDelegatedJobsResponse) => pagination.total,
    empty: 'No jobs. Ask for one: slipway delegate --watch',
    everyMs: countedEveryMs,
  }
  return showList(context, shown, { ...flags, offset: (query.page - 1) * limit })
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
  ]
}

async function show(context: Context, id: string): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const job = await client.jobs.get(id, { signal: io.signal })
  if (context.json) {
    await printJson(io, job)
    return exitCodes.success
  }
  const { metadata } = job
  const when = (instant: string | null) => instant && `${formatInstant(instant)} UTC`
  await printFacts(context, describeJob(job), [
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
    ['delegated', when(metadata.delegatedAt)],
    ['started', when(job.startedAt)],
    ['ended', when(job.completedAt)],
  ])
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
