import type { PipelineRun, TriggerPipelineResponse } from '@slipway/contract/pipelines'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { took } from '../render/pipeline-table.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { repositoryName } from '../repository-name.ts'
import { failedPlaces } from './history.ts'

interface Flags {
  branch: string
  input: Record<string, string>
  watch?: boolean
}

export function addTriggerCommand(program: Command, act: Act): void {
  addTriggerOptions(program.command('trigger'), act)
}

/** `slipway trigger` and `slipway pipeline trigger`. */
export function addTriggerOptions(command: Command, act: Act): void {
  command
    .description('start a GitHub Actions workflow')
    .argument('<repository>', 'owner/name', repositoryName)
    .argument('<workflow>', "its name, its file's name, its path or its id")
    .option('-b, --branch <branch>', 'branch or tag that it runs on', 'main')
    .option('-i, --input <name=value>', 'input of the workflow; may be repeated', addInput, {})
    .option('-w, --watch', 'show the run until it is finished, and exit with its outcome')
    .action(
      act((context, flags: Flags, [repository = '', workflow = '']) =>
        trigger(context, { repository, workflow }, flags),
      ),
    )
}

function addInput(text: string, before: Record<string, string>): Record<string, string> {
  const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined) {
    throw new CliError(`${text} is no input`, 'Write it as name=value: --input debug=true')
  }
  return { ...before, [name]: value }
}

async function trigger(
  context: Context,
  which: { repository: string; workflow: string },
  flags: Flags,
): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const request = { ...which, branch: flags.branch, inputs: flags.input }
  const started = await client.pipelines.trigger(request, { signal: io.signal })
  const watched = flags.watch === true
  if (context.json) await printJson(io, started)
  else if (started.runUrl !== null) await io.out.write(`${terminalWord(started.runUrl)}\n`)
  else await io.err.write(`${terminalWord(started.message)}. Its run is not known yet.\n`)
  return watched ? watch(context, started) : exitCodes.success
}

async function watch(context: Context, started: TriggerPipelineResponse): Promise<number> {
  const { io, styles } = context
  const { repository, branch, runId } = started
  if (runId === null) {
    throw new CliError(
      'GitHub did not say which run this is, so it cannot be watched',
      `See what runs: slipway history ${repository} --branch ${branch}`,
      exitCodes.failed,
    )
  }
  const { client } = await context.connect()
  const runs = client.pipelines.watchRun({ repository, branch, runId }, { signal: io.signal })
  let last: PipelineRun | null = null
  try {
    for await (const run of runs) {
      if (context.json) await printJson(io, run)
      else for (const line of changesOf(last, run)) await io.out.write(`${line}\n`)
      last = run
    }
  } catch (error) {
    if (io.signal.aborted) await io.err.write('The run goes on at GitHub.\n')
    throw error
  }
  if (last?.status === 'success') return exitCodes.success
  if (!context.json) {
    for (const line of failedPlaces(last ?? undefined)) await io.out.write(`${styles.red(line)}\n`)
  }
  return last?.conclusion === 'cancelled' ? exitCodes.cancelled : exitCodes.failed
}

/** A line for the run and for each of its jobs that is not as it was. */
function changesOf(before: PipelineRun | null, run: PipelineRun): string[] {
  const known = new Map(before?.jobs.map((job) => [job.id, job.status]))
  const jobs = run.jobs
    .filter(({ id, status }) => known.get(id) !== status)
    .map(({ name, status, duration }) => lineOf(`  ${name}`, status, duration))
  const whole = before?.status === run.status ? [] : [lineOf(run.name, run.status, run.duration)]
  return run.status === 'pending' || run.status === 'running'
    ? [...whole, ...jobs]
    : [...jobs, ...whole]
}

function lineOf(name: string, status: string, duration: number): string {
  const time = status === 'pending' || status === 'running' ? '' : took(duration)
  return `${terminalWord(name)}  ${[status, time].filter(Boolean).join('  ')}`
}
