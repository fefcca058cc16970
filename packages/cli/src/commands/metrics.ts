import type {
  FlakyPlace,
  PipelineInsightsResponse,
  SlowPlace,
} from '@slipway/contract/pipeline-insights'
import type { PipelineMetricsQuery, PipelineMetricsResponse } from '@slipway/contract/pipelines'
import type { CallOptions, PipelinesApi } from '@slipway/sdk'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatDuration } from '../render/format-time.ts'
import { took } from '../render/pipeline-table.ts'
import { printTable } from '../render/print-table.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'

interface Flags {
  range: string
  branch?: string
}

export function addMetricsCommand(program: Command, act: Act): void {
  addMetricsOptions(program.command('metrics'), act)
}

/** `slipway metrics` and `slipway pipeline metrics`. */
export function addMetricsOptions(command: Command, act: Act): void {
  addOptions(
    command.description('how many GitHub Actions runs succeeded, and how long they took'),
  ).action(
    act((context, flags: Flags, [name]) =>
      show(context, queryOf(name, flags), (api, ...asked) => api.metrics(...asked), printMetrics),
    ),
  )
}

export function addInsightsCommand(program: Command, act: Act): void {
  addInsightsOptions(program.command('insights'), act)
}

/** `slipway insights` and `slipway pipeline insights`. */
export function addInsightsOptions(command: Command, act: Act): void {
  addOptions(
    command.description('what of GitHub Actions is slow or flaky, and how delivery goes'),
  ).action(
    act((context, flags: Flags, [name]) =>
      show(context, queryOf(name, flags), (api, ...asked) => api.insights(...asked), printInsights),
    ),
  )
}

function addOptions(command: Command): Command {
  return command
    .argument('[repository]', 'only of this one: owner/name', repositoryName)
    .option('--range <range>', 'hours, days or weeks up to now, such as 24h, 7d, 2w', '30d')
    .option('-b, --branch <branch>', 'only of this branch')
}

function queryOf(repository: string | undefined, { range, branch }: Flags): PipelineMetricsQuery {
  return {
    timeRange: range,
    ...(repository === undefined ? {} : { repository }),
    ...(branch === undefined ? {} : { branch }),
  }
}

/** Asks, and prints the answer: as it is with `--json`. */
async function show<Answer>(
  context: Context,
  query: PipelineMetricsQuery,
  ask: (api: PipelinesApi, query: PipelineMetricsQuery, options: CallOptions) => Promise<Answer>,
  print: (context: Context, answer: Answer) => Promise<void>,
): Promise<number> {
  const { io, json } = context
  const { client } = await context.connect()
  const answer = await ask(client.pipelines, query, { signal: io.signal })
  await (json ? printJson(io, answer) : print(context, answer))
  return exitCodes.success
}

async function printMetrics(context: Context, answer: PipelineMetricsResponse): Promise<void> {
  const { io, styles } = context
  const rows = Object.entries(answer.metrics).map(([repository, one]) => [
    repository,
    String(one.total),
    `${one.successful} (${one.successRate} %)`,
    `${one.failed} (${one.failureRate} %)`,
    String(one.cancelled),
    took(one.averageDuration),
    took(one.medianDuration),
  ])
  if (rows.length === 0) await io.err.write('No repository is watched.\n')
  else {
    const header = ['REPOSITORY', 'RUNS', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'AVERAGE', 'MEDIAN']
    await printTable(context, header, rows)
  }
  for (const [repository, why] of Object.entries(answer.errors ?? {})) {
    await io.err.write(`${styles.yellow(terminalWord(`${repository}: ${why}`))}\n`)
  }
}

async function printInsights(context: Context, answer: PipelineInsightsResponse): Promise<void> {
  const { workflows, dora } = answer
  if (workflows.length === 0 && Object.keys(dora).length === 0) {
    await context.io.err.write(
      'There is nothing to tell: see which repositories are watched by slipway status.\n',
    )
  }
  await section(
    context,
    'Workflows',
    ['REPOSITORY', 'WORKFLOW', 'RUNS', 'P50', 'P95', 'WAIT P50', 'WAIT P95'],
    workflows.map((one) => [
      one.repository,
      one.workflowName,
      String(one.runs),
      took(one.durationP50),
      took(one.durationP95),
      timeOf(one.queueTimeP50),
      timeOf(one.queueTimeP95),
    ]),
  )
  const slow = ['REPOSITORY', 'WORKFLOW', 'WHERE', 'TIMES', 'P50', 'P95']
  await section(context, 'Slowest jobs', slow, answer.slowestJobs.map(slowRow))
  await section(context, 'Slowest steps', slow, answer.slowestSteps.map(slowRow))
  const flaky = ['REPOSITORY', 'WORKFLOW', 'WHERE', 'FLAKES', 'COMMITS', 'RATE']
  await section(context, 'Flakiest jobs', flaky, answer.flakiestJobs.map(flakyRow))
  await section(context, 'Flakiest steps', flaky, answer.flakiestSteps.map(flakyRow))
  await section(
    context,
    'Delivery',
    ['REPOSITORY', 'BY', 'DEPLOYMENTS', 'A DAY', 'LEAD TIME', 'FAILURES', 'RESTORED IN'],
    Object.entries(dora).map(([repository, one]) => [
      repository,
      one.source,
      String(one.deployments),
      String(one.deploymentFrequency),
      timeOf(one.leadTime),
      `${one.changeFailureRate} %`,
      timeOf(one.timeToRestore),
    ]),
  )
}

async function section(
  context: Context,
  title: string,
  header: readonly string[],
  rows: readonly string[][],
): Promise<void> {
  if (rows.length === 0) return
  await context.io.out.write(`${context.styles.bold(title)}\n`)
  await printTable(context, header, rows)
}

function slowRow(place: SlowPlace): string[] {
  const { repository, workflowName, runs, durationP50, durationP95 } = place
  return [
    repository,
    workflowName,
    where(place),
    String(runs),
    took(durationP50),
    took(durationP95),
  ]
}

function flakyRow(place: FlakyPlace): string[] {
  const { repository, workflowName, flakes, commits, flakeRate } = place
  const figures = [String(flakes), String(commits), `${flakeRate} %`]
  return [repository, workflowName, where(place), ...figures]
}

function where({ job, step }: { job: string; step: string | null }): string {
  return step === null ? job : `${job} › ${step}`
}

function timeOf(seconds: number | null): string {
  return seconds === null ? '-' : formatDuration(seconds * 1000)
}
