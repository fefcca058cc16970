import type { Run } from '@slipway/contract/runs'
import type { Command } from 'commander'
import type { SlipwayClient } from '@slipway/sdk'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { limitConcurrency } from '../limit-concurrency.ts'
import { terminalLine, terminalWord } from '../render/terminal-text.ts'
import { type LocatedStep, selectSteps } from './select-steps.ts'

export interface LogFlags {
  follow?: boolean
  tail?: number
  timestamps?: boolean
}

/** Streams that are open at once; more steps wait for their turn. */
const MOST_STREAMS = 16

export function addLogsCommand(program: Command, act: Act): void {
  const command = program
    .command('logs <run> [step]')
    .description('logs of a step (id, name, project/step or phase/project/step), or of a whole run')
  addLogOptions(command).action(
    act((context, flags: LogFlags, [id = '', step]) => printLogs(context, id, step, flags)),
  )
}

export function addLogOptions(command: Command): Command {
  return command
    .option('-f, --follow', 'go on with what is written, until the steps have ended')
    .option('-n, --tail <n>', 'only the last lines of each', integerBetween(0, 1_000_000))
    .option('-t, --timestamps', 'when each line arrived')
}

export async function printLogs(
  context: Context,
  id: string,
  selector: string | undefined,
  flags: LogFlags,
): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const run = await client.runs.get(id, { signal: io.signal })
  const isOver = run.completed_at !== null
  if (flags.follow === true && !isOver) return follow(context, client, id, selector, flags)

  const steps = selectSteps(run, selector)
  if (steps.length === 0) throw noStep(run, selector)
  const begun = steps.filter(hasBegun)
  if (begun.length === 0) await io.err.write('Nothing has begun yet; wait for it with -f.\n')
  for (const step of begun) {
    if (steps.length > 1 && !context.json) {
      await io.out.write(`${context.styles.bold(`── ${terminalWord(step.place)}`)}\n`)
    }
    await printLog(context, client, step, { flags, label: '', signal: io.signal })
  }
  return exitCodes.success
}

async function follow(
  context: Context,
  client: SlipwayClient,
  id: string,
  selector: string | undefined,
  flags: LogFlags,
): Promise<number> {
  const { io, styles } = context
  const stop = new AbortController()
  const signal = AbortSignal.any([io.signal, stop.signal])
  const limit = limitConcurrency(MOST_STREAMS)
  const followed = new Map<string, FollowedStep>()
  let failure: { error: unknown } | undefined
  let last: Run | null = null
  try {
    for await (const run of client.runs.watch(id, { signal })) {
      last = run
      const steps = selectSteps(run, selector)
      for (const step of steps.filter(hasBegun)) {
        const earlier = followed.get(step.place)
        if (earlier?.stepId === step.step.id) continue
        const label = steps.length > 1 ? `${styles.cyan(terminalWord(step.place))} ` : ''
        const progress = earlier?.progress ?? { seq: 0 }
        const options = { flags, label, signal, progress }
        // A further attempt goes on in the log of the one before.
        const printed = (earlier?.printed ?? Promise.resolve())
          .then(() => limit(() => printLog(context, client, step, options)))
          .catch((error: unknown) => {
            failure ??= { error }
            stop.abort()
          })
        followed.set(step.place, { stepId: step.step.id, progress, printed })
      }
      if (selector !== undefined && steps.length > 0 && steps.every(hasEnded)) break
    }
    await allPrinted(followed)
  } catch (error) {
    throw failure === undefined ? error : failure.error
  } finally {
    stop.abort()
    await allPrinted(followed)
  }
  if (failure !== undefined) throw failure.error
  if (followed.size === 0 && last !== null && selectSteps(last, selector).length === 0) {
    throw noStep(last, selector)
  }
  return exitCodes.success
}

interface FollowedStep {
  /** Of the newest attempt. */
  stepId: string
  progress: { seq: number }
  printed: Promise<void>
}

async function allPrinted(followed: ReadonlyMap<string, FollowedStep>): Promise<void> {
  await Promise.all([...followed.values()].map(({ printed }) => printed))
}

interface PrintOptions {
  flags: LogFlags
  /** The last line that was printed. */
  progress?: { seq: number }
  /** In front of each line. */
  label: string
  signal: AbortSignal
}

async function printLog(
  context: Context,
  client: SlipwayClient,
  located: LocatedStep,
  { flags, label, signal, progress = { seq: 0 } }: PrintOptions,
): Promise<void> {
  const { io, json, styles } = context
  const { id, name } = located.step
  const after = progress.seq > 0 ? progress.seq : undefined
  const tail = after === undefined ? flags.tail : undefined
  const options = { follow: flags.follow, after, tail, signal }
  for await (const { seq, timestamp, line } of client.steps.logs(id, options)) {
    progress.seq = seq
    if (json) {
      const { phase, project } = located
      await printJson(io, { phase, project, step: name, step_id: id, seq, timestamp, line })
      continue
    }
    const time = flags.timestamps === true ? `${styles.dim(terminalWord(timestamp))} ` : ''
    // Into a file or a pipe goes what the command wrote, byte for byte.
    const shown = io.out.isTerminal ? terminalLine(line, styles.enabled) : line
    await io.out.write(`${label}${time}${shown}\n`)
  }
}

const hasBegun = ({ step }: LocatedStep) => step.status !== 'pending' && step.started_at !== null
const hasEnded = ({ step }: LocatedStep) => step.completed_at !== null

function noStep(run: Run, selector: string | undefined): CliError {
  const places = selectSteps(run, undefined).map(({ place }) => terminalWord(place))
  if (selector === undefined || places.length === 0) {
    const hint = `Why: slipway run show ${run.id}`
    return new CliError('The run has no steps', hint, exitCodes.failed)
  }
  const shown = places.slice(0, 20).join('\n  ')
  return new CliError(`The run has no step ${selector}`, `It has:\n  ${shown}`)
}
