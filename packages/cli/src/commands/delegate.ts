import { randomUUID } from 'node:crypto'
import type { DelegatedJob, DelegateJobRequest } from '@slipway/contract/delegations'
import type { SlipwayClient } from '@slipway/sdk'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { findRepository } from '../git/find-repository.ts'
import { integerBetween } from '../integer-between.ts'
import { repositoryName } from '../repository-name.ts'
import { describeJob, outcomeOf, printFollowedLine } from './job-end.ts'

interface Flags {
  repository?: string
  job: string
  run?: string
  attempt?: number
  workflow?: string
  runner?: string
  commit?: string
  ref?: string
  event?: string
  actor?: string
  label?: string[]
  watch?: true
}

export function addDelegateCommand(program: Command, act: Act): void {
  addDelegateOptions(program.command('delegate'), act)
}

/** `slipway delegate` and `slipway job create`. */
export function addDelegateOptions(command: Command, act: Act): void {
  command
    .description('ask for an ephemeral container for a job; the id of the delegated job is printed')
    .option(
      '-r, --repository <owner/name>',
      "default: that of the git checkout's remote",
      repositoryName,
    )
    .option('-l, --label <label...>', 'what the job runs on; they decide its runner class')
    .option('--job <job>', 'GitHub’s id of the job, or its key in the workflow', 'manual')
    .option('--run <run>', 'GitHub’s id of the run; default: one of its own')
    .option('--attempt <n>', 'attempt at the run', integerBetween(1, 10_000))
    .option('--workflow <name>', 'name of the workflow')
    .option('-c, --commit <sha>', 'for GITHUB_SHA')
    .option('--ref <ref>', 'for GITHUB_REF')
    .option('--event <name>', 'for GITHUB_EVENT_NAME')
    .option('--actor <name>', 'for GITHUB_ACTOR')
    .option('--runner <name>', 'the proxy runner that it is delegated for')
    .option('-w, --watch', 'print its log as it is written, and exit with its exit code')
    .action(act((context, flags: Flags) => delegate(context, flags)))
}

async function delegate(context: Context, flags: Flags): Promise<number> {
  const { io } = context
  const request = toRequest(flags, await findRepository(io, flags.repository))
  const { client } = await context.connect()
  const made = await client.jobs.delegate(request, { signal: io.signal })
  if (flags.watch === true) return attend(context, client, made.delegationId)
  if (context.json) await printJson(io, made)
  else {
    const id = made.delegationId
    await io.out.write(`${id}\n`)
    await io.err.write(context.errorStyles.dim(`Watch it: slipway job watch ${id}\n`))
  }
  return exitCodes.success
}

function toRequest(flags: Flags, repository: string): DelegateJobRequest {
  const { attempt, workflow, runner, commit, ref, event, actor, label } = flags
  return {
    jobId: flags.job,
    runId: flags.run ?? randomUUID(),
    repository,
    ...(attempt === undefined ? {} : { runAttempt: attempt }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(runner === undefined ? {} : { runnerName: runner }),
    ...(commit === undefined ? {} : { sha: commit }),
    ...(ref === undefined ? {} : { ref }),
    ...(event === undefined ? {} : { eventName: event }),
    ...(actor === undefined ? {} : { actor }),
    ...(label === undefined ? {} : { labels: label }),
  }
}

/** Its log on standard output, what becomes of it beside that; the exit code is the command's own. */
async function attend(context: Context, client: SlipwayClient, id: string): Promise<number> {
  const { io } = context
  const stopping = new AbortController()
  const signal = AbortSignal.any([io.signal, stopping.signal])
  try {
    const [job] = await Promise.all([
      tellStates(context, client.jobs.watch(id, { signal })),
      printLog(context, client, { id, signal }),
    ])
    if (job === null) return exitCodes.failed
    // What it ended with goes behind its last line.
    if (context.json) await printJson(io, job)
    else await io.err.write(`${context.errorStyles.dim(describeJob(job))}\n`)
    // What a shell sees of it. One that was stopped fails although it may have ended with 0.
    const seen = job.status === 'cancelled' ? 0 : (job.exitCode ?? 0) & 0xff
    return seen === 0 ? outcomeOf(job) : seen
  } catch (error) {
    if (io.signal.aborted)
      await io.err.write(`The job goes on. Stop it: slipway job cancel ${id}\n`)
    throw error
  } finally {
    stopping.abort()
  }
}

async function tellStates(
  context: Context,
  states: AsyncIterable<DelegatedJob>,
): Promise<DelegatedJob | null> {
  let last: DelegatedJob | null = null
  let told = ''
  for await (const job of states) {
    last = job
    const line = describeJob(job)
    const isNews = job.completedAt === null && line !== told && !context.json
    if (isNews) await context.io.err.write(`${context.errorStyles.dim(line)}\n`)
    told = line
  }
  return last
}

async function printLog(
  context: Context,
  client: SlipwayClient,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<void> {
  for await (const line of client.jobs.followLogs(id, { signal })) {
    await printFollowedLine(context, line)
  }
}
