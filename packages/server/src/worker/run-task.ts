import type { TaskJob } from '@slipway/contract/jobs'
import { AppError } from '../errors.ts'
import { GitError } from '../git/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { ClaimedJob, JobOutcome } from '../ports/job-bus.ts'
import type { Attempt } from '../runs/index.ts'
import { collectArtifacts } from './collect-artifacts.ts'
import type { WorkerDeps } from './deps.ts'
import { createProgressReporter } from './progress-reporter.ts'
import { runStep } from './run-step.ts'
import { runStepGraph } from './step-graph.ts'
import { readTaskSecrets, type TaskSecrets } from './task-secrets.ts'
import { makeWorkspace, removeWorkspace, type Workspace } from './workspace.ts'

/** Steps of one task at a time. */
const parallelSteps = 16

/**
 * Does one attempt of a task: a fresh checkout, its steps in the order of their needs,
 * everything reported as it happens. The last report ends the task and its job together.
 */
export async function runTask(
  deps: WorkerDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const payload = job.payload as TaskJob
  const claim = { id: job.id, attempt: job.attempt, workerId: deps.workerId }
  const name = `${payload.task_id}-${job.attempt}`
  const [attempt, workspace] = await Promise.allSettled([
    deps.control.beginAttempt({ taskId: payload.task_id, claim }),
    makeWorkspace(deps, { job: payload, claim, name }, signal),
  ])
  try {
    if (attempt.status === 'rejected') {
      if (isRefusal(attempt.reason)) return { state: 'settled' }
      throw attempt.reason
    }
    if (workspace.status === 'rejected') {
      await failCheckout(deps, { job: payload, claim }, attempt.value, workspace.reason)
    } else {
      const secrets = await readSecrets(deps, payload, attempt.value, claim)
      if (secrets === null) return { state: 'settled' }
      const made = { attempt: attempt.value, workspace: workspace.value, secrets }
      const work = { job: payload, claim, ...made }
      await runSteps(deps, work, signal)
    }
    return { state: 'settled' }
  } finally {
    // Off the critical path: the task's end has been reported already.
    if (workspace.status === 'fulfilled') {
      const { directory } = workspace.value
      removeWorkspace(directory).catch((error: unknown) =>
        deps.log.warn({ err: error, directory }, 'a workspace could not be removed'),
      )
    }
  }
}

async function runSteps(
  deps: WorkerDeps,
  work: {
    job: TaskJob
    claim: JobClaim
    attempt: Attempt
    workspace: Workspace
    secrets: TaskSecrets
  },
  signal: AbortSignal,
): Promise<void> {
  const { job, claim, attempt, workspace } = work
  // Aborted with the sentence that the stopped steps show.
  const stop = new AbortController()
  const late = `Took longer than the ${job.timeout_ms / 1000} s that its phase has`
  const timer = setTimeout(() => stop.abort(late), job.timeout_ms)
  const stopped = AbortSignal.any([signal, stop.signal])
  const reporter = createProgressReporter(
    deps.control,
    { taskId: job.task_id, claim, attempt: attempt.number },
    () => stop.abort('The task was taken away'),
  )
  signal.addEventListener('abort', reporter.silence, { once: true })
  if (signal.aborted) reporter.silence()
  const steps = attempt.steps.map((step) => ({
    ...step,
    name: step.step.name,
    needs: step.step.needs,
  }))
  let cause: string | undefined
  const succeeded = await runStepGraph({
    steps,
    parallel: parallelSteps,
    run: async (step) => {
      const failure = await runStep(deps, { ...work, step, reporter }, stopped)
      // The first to fail; those that are stopped because of it come later.
      if (failure !== null) cause ??= `step ${step.name} ${failure}`
      return failure === null
    },
    stopOthers: () => stop.abort('Stopped because another step failed'),
  })
  if (succeeded) {
    cause = await collect(deps, { job, workspace }, stopped)
  }
  clearTimeout(timer)
  signal.removeEventListener('abort', reporter.silence)
  // Cancelled, past its deadline, or this worker is ending: not a failure of the task's own.
  signal.throwIfAborted()
  const error = stop.signal.reason === late ? late : cause
  try {
    await reporter.finish(
      error === undefined && succeeded ? { status: 'success' } : { status: 'failed', error },
    )
  } catch (error) {
    if (!isRefusal(error)) throw error
    deps.log.debug({ task_id: job.task_id, err: error }, 'the task was no longer ours')
  }
}

/** Null: the task is no longer ours. */
async function readSecrets(
  deps: WorkerDeps,
  job: TaskJob,
  attempt: Attempt,
  claim: JobClaim,
): Promise<TaskSecrets | null> {
  const commands = attempt.steps.map(({ step }) => step)
  try {
    return await readTaskSecrets(deps, { claim, repository: job.repository, commands })
  } catch (error) {
    if (isRefusal(error)) return null
    throw error
  }
}

/** Keeps what the steps left for artifacts. Answers why that cannot be done; nothing when it is. */
async function collect(
  deps: WorkerDeps,
  input: { job: TaskJob; workspace: Workspace },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { job, workspace } = input
  try {
    await collectArtifacts(deps, { job, workspace: workspace.directory }, signal)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    deps.log.error({ err: error, task_id: job.task_id }, 'artifacts could not be collected')
    return 'What the steps left for artifacts could not be kept'
  }
}

/** A commit that can't be had fails the task; a remote that is away, only this attempt. */
async function failCheckout(
  deps: WorkerDeps,
  { job, claim }: { job: TaskJob; claim: JobClaim },
  attempt: Attempt,
  reason: unknown,
): Promise<void> {
  if (!(reason instanceof GitError) || !reason.permanent) throw reason
  await deps.control.reportWork({
    taskId: job.task_id,
    claim,
    report: { attempt: attempt.number, task: { status: 'failed', error: reason.message } },
  })
}

/** The control plane says that the work is not ours any more: cancelled, replaced or over. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof AppError &&
    (error.code === 'resource_conflict' || error.code === 'resource_not_found')
  )
}
