import type { EventData, EventType } from '@slipway/contract/events'
import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { explainEnd, findFailedPlaces } from './explain-end.ts'
import { awaitsApproval, mapStatus, progressOf } from './map-status.ts'
import type { JobChange } from './store-job.ts'
import type { RunChange } from './store-run.ts'
import type { JobSnapshot, StepSnapshot } from './snapshots.ts'

/**
 * Writes events of what `storeRuns` and `storeJobs` answered into the outbox, in the transaction that
 * stored it: whoever follows events, sockets and webhooks of every server among them, is told of it once.
 *
 * A run that was not known is news only if its attempt began, or ended, at `newsSince` or later; without
 * it, always. A repository that is kept because somebody asked for it is not told of.
 */
export async function announceChanges(
  unit: Pick<UnitOfWork, 'trx' | 'emit'>,
  input: {
    repositoryId: number
    runs: readonly RunChange[]
    jobs: readonly JobChange[]
    newsSince?: Date
  },
): Promise<void> {
  const { repositoryId, jobs, newsSince } = input
  const runs = input.runs.filter((change) => isNews(change, newsSince))
  if (runs.length + jobs.length === 0) return
  const repository = await nameOf(unit, repositoryId)
  if (repository === null) return
  const failedPlaceOf = await findFailedPlaces(
    unit,
    runs.filter(hasFailed).map(({ run }) => run),
  )
  const emit = <T extends EventType>(type: T, data: EventData<T>) =>
    unit.emit({ type, data, repository, runId: null })
  let untold = jobs
  /** Those that are part of it are told before a run's end. */
  const emitJobs = (isTold: (job: JobSnapshot) => boolean) => {
    for (const change of untold) {
      if (isTold(change.after)) emit('workflow.job.updated', aboutJob(repository, change))
    }
    untold = untold.filter(({ after }) => !isTold(after))
  }
  for (const change of runs) {
    const { id, attempt } = change.run
    if (!hasEnded(change)) {
      emit('workflow.run.started', about(repository, change))
      continue
    }
    emitJobs((job) => job.runId === id && job.attempt <= attempt)
    const { conclusion, duration } = change.after
    const data = { ...about(repository, change), conclusion, duration_seconds: duration ?? 0 }
    if (!hasFailed(change)) {
      emit('workflow.run.completed', { ...data, status: 'success' })
      continue
    }
    const place = failedPlaceOf(change.run)
    const told = { error: explainEnd(conclusion, place), failed_step: place?.step ?? null }
    emit('workflow.run.failed', { ...data, ...told, status: 'failure' })
  }
  emitJobs(() => true)
}

/** Whether the run, or another attempt of it, has begun or ended: not whether it only moved on. */
function isNews(change: RunChange, since: Date | undefined): boolean {
  const { before, after, run } = change
  if (before === null) {
    const at = hasEnded(change) ? run.updatedAt : run.runStartedAt
    return since === undefined || at >= since
  }
  if (after.attempt > before.attempt) return true
  if (awaitsApproval(before)) return !awaitsApproval(after)
  return before.githubStatus !== 'completed' && hasEnded(change)
}

/** The steps that went on; one that is only planned has not. */
function movedSteps({ before, changedSteps }: JobChange): StepSnapshot[] {
  const known = new Set((before?.steps ?? []).map(({ number }) => number))
  return changedSteps.filter(({ number, status }) => known.has(number) || progressOf(status) > 0)
}

function hasEnded({ after }: RunChange): boolean {
  return after.githubStatus === 'completed'
}

function hasFailed({ after }: RunChange): boolean {
  return after.status === 'failure'
}

function about(repository: string, { run }: RunChange) {
  return {
    repository,
    workflow: run.workflowName,
    branch: run.branch,
    commit_sha: run.commitSha,
    workflow_run_id: run.id,
    attempt: run.attempt,
    actor: run.actor,
    url: run.url,
  }
}

function aboutJob(repository: string, change: JobChange): EventData<'workflow.job.updated'> {
  const { after } = change
  return {
    repository,
    workflow_run_id: after.runId,
    attempt: after.attempt,
    job_id: after.id,
    job: after.name,
    status: mapStatus(after.githubStatus, after.conclusion),
    conclusion: after.conclusion,
    steps: movedSteps(change).map(({ number, name, status, conclusion }) => ({
      number,
      name,
      status,
      conclusion,
    })),
  }
}

async function nameOf(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
): Promise<string | null> {
  const { rows } = await sql<{ name: string }>`
    select full_name as name from monitored_repositories
    where id = ${repositoryId} and source <> 'read'`.execute(trx)
  return rows[0]?.name ?? null
}
