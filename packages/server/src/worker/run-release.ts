import type { ReleaseJob } from '@slipway/contract/jobs'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { LogWriter } from '../logs/index.ts'
import type { ClaimedJob, JobOutcome } from '../ports/job-bus.ts'
import { isClaimLost, type RunRelease } from '../releases/index.ts'
import type { WorkerDeps } from './deps.ts'

/**
 * Makes the release of one project of a run; the log of its one step tells what happened. What can't
 * be released fails the task with the reason; a registry that is away is a failed attempt.
 */
export async function runRelease(
  deps: WorkerDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const payload = job.payload as ReleaseJob
  const claim = { id: job.id, attempt: job.attempt, workerId: deps.workerId }
  try {
    await attemptRelease(deps, { payload, claim }, signal)
  } catch (error) {
    if (!isRefusal(error)) throw error
    deps.log.debug({ task_id: payload.task_id, err: error }, 'the task was no longer ours')
  }
  return { state: 'settled' }
}

/** Rejects with a refusal of the control plane when the task is not ours any more. */
async function attemptRelease(
  deps: WorkerDeps,
  input: { payload: ReleaseJob; claim: JobClaim },
  signal: AbortSignal,
): Promise<void> {
  const { payload, claim } = input
  const taskId = payload.task_id
  const attempt = await deps.control.beginAttempt({ taskId, claim })
  const [step] = attempt.steps
  if (step === undefined) throw new Error(`the task ${taskId} has no step`)
  const report = (status: 'running' | 'success' | 'failed', error?: string) => {
    const result = { status, error }
    const exitCode = { running: undefined, success: 0, failed: 1 }[status]
    const steps = [{ id: step.id, exitCode, ...result }]
    return deps.control.reportWork({
      taskId,
      claim,
      report: { attempt: attempt.number, steps, task: result },
    })
  }
  const writer = await deps.logs.open(step.logKey, {
    secrets: [],
    ...(attempt.number === 1 ? { isNew: true } : { marker: `--- attempt ${attempt.number} ---` }),
  })
  let isOver = false
  try {
    await report('running')
    const failure = await makeRelease(deps, { ...input, writer }, signal)
    await writer.end()
    isOver = true
    await (failure === null ? report('success') : report('failed', failure))
  } finally {
    if (isOver) {
      writer
        .seal()
        .catch((error: unknown) => deps.log.error({ err: error }, 'a log could not be sealed'))
    } else await writer.suspend()
  }
}

/** Answers why there can be no release, or null when there is one. */
async function makeRelease(
  deps: WorkerDeps,
  input: { payload: ReleaseJob; claim: JobClaim; writer: LogWriter },
  signal: AbortSignal,
): Promise<string | null> {
  const { payload, claim, writer } = input
  const { run_id: runId, repository, project, commit_sha: commitSha } = payload
  await writer.note(`Releasing ${project} of ${repository} at ${commitSha}`)
  const stopped = AbortSignal.any([signal, AbortSignal.timeout(payload.timeout_ms)])
  try {
    const request = { runId, repository, project, commitSha, claim }
    const release = await deps.control.createRelease(request, stopped)
    for (const line of describe(release, project)) await writer.note(line)
    return null
  } catch (error) {
    // Stopped, or about to be repeated by whoever is next: not a failure of the task's own.
    signal.throwIfAborted()
    // Nothing is to be said of the task: whoever has it now does.
    if (isClaimLost(error)) throw error
    const late = `Took longer than the ${payload.timeout_ms / 1000} s that its phase has`
    const reason = stopped.aborted ? late : error instanceof AppError ? error.message : null
    await writer.note(reason ?? 'The release could not be made')
    const mayPass = !stopped.aborted && (reason === null || isUnavailable(error))
    if (mayPass) throw error
    return reason
  }
}

function describe(release: RunRelease, project: string): string[] {
  const { created, number, uri, digest, aliases } = release
  const named = aliases.length === 0 ? '' : `, alias ${aliases.join(', ')}`
  const added = named === '' ? '; nothing is to be done' : `; added${named.slice(1)}`
  return [
    created
      ? `Release #${number} of ${project}${named}`
      : `The commit is release #${number} of ${project} already${added}`,
    uri,
    digest,
  ]
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unavailable'
}

/** The control plane says that the work is not ours any more: cancelled, replaced or over. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof AppError &&
    (error.code === 'resource_conflict' || error.code === 'resource_not_found')
  )
}
