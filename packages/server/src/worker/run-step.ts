import type { TaskJob } from '@slipway/contract/jobs'
import { stepCommand } from '@slipway/forge'
import { correlate, inSpan } from '../correlation.ts'
import { AppError } from '../errors.ts'
import type { Execution, ExecutionResult, OutputSink } from '../ports/executor.ts'
import { JobAborted } from '../ports/job-bus.ts'
import type { Attempt } from '../runs/index.ts'
import type { LogWriter } from '../logs/index.ts'
import type { WorkerDeps } from './deps.ts'
import type { ProgressReporter } from './progress-reporter.ts'
import { type GivenSecrets, giveSecrets } from './give-secrets.ts'
import { stepEnvironment } from './step-environment.ts'
import type { TaskSecrets } from './task-secrets.ts'
import type { Workspace } from './workspace.ts'

/** Milliseconds from the end of a step until its log is handed to the object store. */
const sealDelayMs = 250

/**
 * Runs one step and reports it. Whatever it printed is in its log and synced before its end
 * is reported. Resolves to why it failed, or null. Aborting `signal` stops it; a text as its
 * reason is what the step shows.
 */
export async function runStep(
  deps: WorkerDeps,
  input: {
    job: TaskJob
    attempt: Attempt
    step: Attempt['steps'][number]
    workspace: Workspace
    secrets: TaskSecrets
    reporter: ProgressReporter
  },
  signal: AbortSignal,
): Promise<string | null> {
  const { attempt, step, reporter } = input
  reporter.step({ id: step.id, status: 'running' })
  const end = await correlate({ step_id: step.id }, () =>
    inSpan(`step ${step.step.name}`, describe(input), async (span) => {
      const ended = await execute(deps, input, signal).catch((error: unknown) => {
        deps.log.error({ err: error }, 'a step could not be run')
        return notRun(error)
      })
      span?.set({
        'slipway.outcome': ended.outcome,
        ...(ended.exitCode === null ? {} : { 'process.exit.code': ended.exitCode }),
      })
      if (ended.exitCode !== 0) span?.fail(new Error(ended.outcome))
      return ended
    }),
  )
  const succeeded = end.outcome === 'exited' && end.exitCode === 0
  reporter.step({
    id: step.id,
    status: succeeded ? 'success' : 'failed',
    ...(end.exitCode === null ? {} : { exitCode: end.exitCode }),
    ...(end.reason === null ? {} : { error: end.reason }),
  })
  deps.log.debug({ step_id: step.id, attempt: attempt.number, ...end }, 'step ended')
  if (succeeded) return null
  return end.outcome === 'exited' ? `exited with ${end.exitCode}` : (end.reason ?? end.outcome)
}

function describe({
  job,
  attempt,
  step,
}: Pick<Parameters<typeof runStep>[1], 'job' | 'attempt' | 'step'>) {
  return {
    attributes: {
      'slipway.step': step.step.name,
      'slipway.step_id': step.id,
      'slipway.phase': job.phase,
      'slipway.project': job.project,
      'slipway.attempt': attempt.number,
    },
  }
}

async function execute(
  deps: WorkerDeps,
  input: Omit<Parameters<typeof runStep>[1], 'reporter'>,
  signal: AbortSignal,
): Promise<ExecutionResult> {
  const { attempt, step, secrets } = input
  // Opened while the command starts; what it prints waits for it.
  const opening = deps.logs.open(step.logKey, {
    secrets: Object.values(secrets.values),
    ...(attempt.number === 1 ? { isNew: true } : { marker: `--- attempt ${attempt.number} ---` }),
  })
  const sink: OutputSink = { write: async (chunk) => (await opening).write(chunk) }
  const [started, opened] = await Promise.allSettled([
    startCommand(deps, input, sink, signal),
    opening,
  ])
  if (opened.status === 'rejected') {
    if (started.status === 'fulfilled') {
      started.value.stop(0)
      await started.value.done
    }
    throw opened.reason
  }
  const writer = opened.value
  try {
    if (started.status === 'rejected') throw started.reason
    const end = withReason(await stopOnAbort(started.value, signal), signal)
    if (end.reason !== null) await writer.note(end.reason)
    return end
  } catch (error) {
    const end = signal.aborted ? withReason(notStarted, signal) : notRun(error)
    if (end.reason !== null) await writer.note(end.reason)
    return end
  } finally {
    if (willBeRepeated(signal)) await writer.suspend()
    else {
      await writer.end()
      sealLater(deps, writer)
    }
  }
}

/** The log is whole and on disk; moving it to where it stays has no hurry and gives way to the work. */
function sealLater(deps: WorkerDeps, writer: LogWriter): void {
  setTimeout(() => {
    writer
      .seal()
      .catch((error: unknown) => deps.log.error({ err: error }, 'a log could not be sealed'))
  }, sealDelayMs)
}

/** This worker is stopping or has lost the job: another attempt goes on with the log. */
function willBeRepeated({ reason }: AbortSignal): boolean {
  return reason instanceof JobAborted && (reason.why === 'lost' || reason.why === 'closing')
}

async function startCommand(
  deps: WorkerDeps,
  input: Omit<Parameters<typeof runStep>[1], 'reporter'>,
  sink: OutputSink,
  signal: AbortSignal,
): Promise<Execution> {
  const { job, step, workspace, secrets } = input
  const given = await giveSecrets({
    folder: deps.secretsDirectory,
    id: step.id,
    wanted: step.step.secrets,
    secrets,
  })
  try {
    const execution = await deps.executor.start(
      {
        id: step.id,
        argv: stepCommand(step.step, { hasBash: workspace.hasBash && step.step.image === null }),
        workspace: workspace.directory,
        cwd: job.project_path,
        cache: workspace.cache,
        readOnly: [...workspace.borrowed, ...given.readOnly],
        env: { ...given.env, ...stepEnvironment(job, step.step) },
        network: step.step.network,
        image: step.step.image,
        limits: { ...deps.stepLimits, timeoutMs: step.step.timeoutMs },
      },
      sink,
      signal,
    )
    return {
      id: execution.id,
      done: withoutSecrets(execution.done, given),
      stop: (graceMs) => execution.stop(graceMs),
    }
  } catch (error) {
    await given.remove()
    throw error
  }
}

/** The files are gone when the command has ended. */
async function withoutSecrets<T>(done: Promise<T>, given: GivenSecrets): Promise<T> {
  try {
    return await done
  } finally {
    await given.remove()
  }
}

async function stopOnAbort(execution: Execution, signal: AbortSignal): Promise<ExecutionResult> {
  const stop = () => execution.stop()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await execution.done
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Why it was stopped is known here; the executor only knows that it was asked to. */
function withReason(end: ExecutionResult, signal: AbortSignal): ExecutionResult {
  const known = end.outcome === 'stopped' && typeof signal.reason === 'string'
  return known ? { ...end, reason: signal.reason } : end
}

/** Given up before anything ran, as what is stopped later is. */
const notStarted = { outcome: 'stopped', exitCode: null, reason: 'Stopped on request.' } as const

function notRun(error: unknown) {
  const reason = error instanceof AppError ? error.message : 'The step could not be run'
  return { outcome: 'failed', exitCode: null, reason } as const
}
