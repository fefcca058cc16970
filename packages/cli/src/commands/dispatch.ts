import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { DispatchResult } from '@slipway/contract/dispatches'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { integerBetween } from '../integer-between.ts'
import { persist } from '../persist.ts'
import { readFailures } from './read-failures.ts'
import { TimedOut, waitForStage } from './wait-for-stage.ts'

interface Flags {
  run: string
  stage?: string
  timeout?: number
  nextFile?: string
  groupsFile?: string
  resultFile?: string
  ended?: 'Succeeded' | 'Failed' | 'Error'
  failures?: string
}

/** What `--next-file` says behind the last stage. */
const noNext = 'end'

export function addDispatchCommand(program: Command, act: Act): void {
  program
    .command('dispatch')
    .description('a step of a workflow: let a stage of a run begin, and wait for its end')
    .requiredOption('--run <run>', 'id of the run')
    .option('--stage <stage>', 'discovery, or group-<n>: a group of its phases', stageName)
    .option(
      '--timeout <seconds>',
      "the longest to wait; default: the stage's own time-out without any progress",
      integerBetween(1, 604_800),
    )
    .option('--next-file <file>', `write the stage that comes next into it, or ${noNext}`)
    .option('--groups-file <file>', 'write the groups that come next into it, as JSON')
    .option('--result-file <file>', 'write the result into it, as well as printing it')
    .addOption(
      new Option('--ended <status>', 'tell instead how the workflow ended')
        .choices(['Succeeded', 'Failed', 'Error'])
        .conflicts(['stage']),
    )
    .option('--failures <json>', 'with --ended: {{workflow.failures}}')
    .action(act((context, flags: Flags) => dispatch(context, flags)))
}

async function dispatch(context: Context, flags: Flags): Promise<number> {
  if (flags.ended !== undefined) return tellEnd(context, flags, flags.ended)
  if (flags.stage === undefined) {
    throw new CliError('There is nothing to be done', 'Say what: --stage or --ended')
  }
  const { io } = context
  const { client } = await context.connect()
  const { run, stage, timeout } = flags
  try {
    const result = await waitForStage(
      { client, io },
      { run, stage, timeoutMs: timeout === undefined ? null : timeout * 1000 },
    )
    await writeOutputs(context, flags, result)
    const { status, message } = result
    await io.err.write(`${stage}: ${status}${message === undefined ? '' : `: ${message}`}\n`)
    if (status === 'success') return exitCodes.success
    return status === 'cancelled' ? exitCodes.cancelled : exitCodes.failed
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error
    await io.err.write(`${error.message}\n`)
    return exitCodes.timedOut
  }
}

async function writeOutputs(context: Context, flags: Flags, result: DispatchResult) {
  const { io } = context
  const outputs = [
    [flags.nextFile, result.next ?? noNext],
    [flags.groupsFile, JSON.stringify(result.groups ?? [])],
    [flags.resultFile, JSON.stringify(result)],
  ] as const
  for (const [file, text] of outputs) {
    if (file !== undefined) await writeFile(resolve(io.cwd, file), text)
  }
  await printJson(io, result)
}

async function tellEnd(
  context: Context,
  flags: Flags,
  status: NonNullable<Flags['ended']>,
): Promise<number> {
  const { io } = context
  const { client } = await context.connect()
  const failures = readFailures(flags.failures ?? '')
  const { signal } = io
  const told = await persist(
    () => client.dispatches.reportWorkflow(flags.run, { status, failures }, { signal }),
    { io, giveUpMs: (flags.timeout ?? 600) * 1000 },
  )
  await printJson(io, told)
  return exitCodes.success
}

function stageName(text: string): string {
  if (/^(discovery|group-[1-9]\d{0,8})$/.test(text)) return text
  throw new InvalidArgumentError('It is neither discovery nor group-<n>.')
}
