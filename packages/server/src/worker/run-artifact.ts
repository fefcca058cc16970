import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArtifactJob } from '@slipway/contract/jobs'
import { AppError } from '../errors.ts'
import { GitError } from '../git/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { LogWriter } from '../logs/index.ts'
import type { ClaimedJob, JobOutcome } from '../ports/job-bus.ts'
import type { ArtifactStep, Attempt } from '../runs/index.ts'
import { makeArtifact } from './artifact/make-artifact.ts'
import { collectedKey } from './collect-artifacts.ts'
import type { WorkerDeps } from './deps.ts'
import { createProgressReporter } from './progress-reporter.ts'
import { readTaskSecrets, type TaskSecrets } from './task-secrets.ts'
import { removeWorkspace } from './workspace.ts'

interface Attempted {
  payload: ArtifactJob
  claim: JobClaim
  secrets: TaskSecrets
  attempt: Attempt<ArtifactStep>
  step: Attempt<ArtifactStep>['steps'][number]
}

/**
 * Does one attempt at an artifact; the log of its one step tells everything that happens. What can't
 * be made or published fails the task with the reason; what is away, a registry or a remote, is a
 * failed attempt.
 */
export async function runArtifact(
  deps: WorkerDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const payload = job.payload as ArtifactJob
  const claim = { id: job.id, attempt: job.attempt, workerId: deps.workerId }
  try {
    const taskId = payload.task_id
    const begun = await asked(deps.control.beginAttempt({ taskId, claim }))
    // The control plane has planned the one step of this kind of task.
    const attempt = begun as unknown as Attempt<ArtifactStep>
    const [step] = attempt.steps
    if (step === undefined) throw new Error(`the task ${taskId} has no step`)
    const { command } = step.step.artifact.producer
    const commands = command === null ? [] : [command]
    const wanted = { claim, repository: payload.repository, commands }
    const secrets = await asked(readTaskSecrets(deps, wanted))
    await runAttempt(deps, { payload, claim, secrets, attempt, step }, signal)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    deps.log.debug({ task_id: payload.task_id, err: error.cause }, 'the task was no longer ours')
  }
  return { state: 'settled' }
}

async function runAttempt(deps: WorkerDeps, input: Attempted, signal: AbortSignal): Promise<void> {
  const { payload, secrets, attempt, step } = input
  const writer = await deps.logs.open(step.logKey, {
    secrets: Object.values(secrets.values),
    ...(attempt.number === 1 ? { isNew: true } : { marker: `--- attempt ${attempt.number} ---` }),
  })
  // Aborted with the sentence that the stopped step shows.
  const stop = new AbortController()
  const late = `Took longer than the ${payload.timeout_ms / 1000} s that its phase has`
  const timer = setTimeout(
    () => stop.abort(new AppError('invalid_request', late)),
    payload.timeout_ms,
  )
  const reporter = createProgressReporter(
    deps.control,
    { taskId: payload.task_id, claim: input.claim, attempt: attempt.number },
    () => stop.abort(new Refused('The task was taken away')),
  )
  signal.addEventListener('abort', reporter.silence, { once: true })
  if (signal.aborted) reporter.silence()
  let isOver = false
  try {
    reporter.step({ id: step.id, status: 'running' })
    const failure = await attemptArtifact(
      deps,
      { ...input, writer },
      AbortSignal.any([signal, stop.signal]),
    )
    await writer.end()
    isOver = true
    const end = failure === null ? ({ status: 'success' } as const) : failed(failure)
    reporter.step({ id: step.id, exitCode: failure === null ? 0 : 1, ...end })
    await asked(reporter.finish(end))
    if (failure === null) await forget(deps, payload)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', reporter.silence)
    reporter.silence()
    if (isOver) {
      writer
        .seal()
        .catch((error: unknown) => deps.log.error({ err: error }, 'a log could not be sealed'))
    } else await writer.suspend()
  }
}

const failed = (error: string) => ({ status: 'failed', error }) as const

/** Answers why there can be no artifact, or null when there is one; rejects where another try may help. */
async function attemptArtifact(
  deps: WorkerDeps,
  input: Attempted & { writer: LogWriter },
  signal: AbortSignal,
): Promise<string | null> {
  const { payload, claim, secrets, attempt, step, writer } = input
  const directory = join(deps.workDirectory, `${payload.task_id}-${attempt.number}`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  try {
    const making = { job: payload, claim, secrets, id: step.id, step: step.step, writer, directory }
    const artifact = await makeArtifact(deps, making, signal)
    const taskId = payload.task_id
    await asked(deps.control.completeArtifact({ taskId, claim, attempt: attempt.number, artifact }))
    return null
  } catch (thrown) {
    const error: unknown = signal.aborted ? signal.reason : thrown
    if (error instanceof Refused) throw error
    const reason = reasonOf(error)
    await writer.note(reason ?? 'The artifact could not be made').catch(() => {})
    if (reason === null || (error instanceof AppError && error.code === 'unavailable')) throw error
    return reason
  } finally {
    removeWorkspace(directory).catch((error: unknown) =>
      deps.log.warn({ err: error, directory }, 'a workspace could not be removed'),
    )
  }
}

/** For people; null for what nobody foresaw, and for a remote that is only away. */
function reasonOf(error: unknown): string | null {
  if (error instanceof AppError) return error.message
  return error instanceof GitError && error.permanent ? error.message : null
}

/** What the steps left has been published; keeping it until the run is forgotten would double it. */
async function forget(deps: WorkerDeps, job: ArtifactJob): Promise<void> {
  const { run_id: runId, project, artifact } = job
  await deps.objects
    .delete(collectedKey({ runId, project, artifact }))
    .catch((error: unknown) => deps.log.warn({ err: error }, 'an archive could not be removed'))
}

/** The control plane says that the work is not ours any more: cancelled, replaced or over. */
class Refused extends Error {
  override readonly name = 'Refused'
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const isRefusal =
      error instanceof AppError &&
      (error.code === 'resource_conflict' || error.code === 'resource_not_found')
    throw isRefusal ? new Refused('not ours any more', { cause: error }) : error
  }
}
