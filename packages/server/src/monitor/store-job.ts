import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { lockRepository, markJobsChanged } from './lock-repository.ts'
import { mapStatus } from './map-status.ts'
import { changedSteps, isSameJob, mergeJob } from './merge-job.ts'
import type { ArtifactSnapshot, JobSnapshot, StepSnapshot } from './snapshots.ts'

/** A job that is not any more as it was. */
export interface JobChange {
  /** Null: it was not known. */
  before: JobSnapshot | null
  after: JobSnapshot
  /** Those whose status or conclusion is another one, or that are new. */
  changedSteps: StepSnapshot[]
}

/** Jobs that one call takes at most. */
const maxJobs = 2_000

/**
 * Stores what GitHub said of jobs of one repository, each merged with what is known of it: neither the
 * job nor a step goes back. A job may come before its run. Answers what changed, in the order given: of a
 * job that is given in several states, each that it went on to.
 * `resource_not_found` for an unknown repository.
 */
export async function storeJobs(
  unit: Pick<UnitOfWork, 'trx'>,
  input: { repositoryId: number; jobs: readonly JobSnapshot[] },
): Promise<JobChange[]> {
  const { repositoryId, jobs } = input
  if (jobs.length > maxJobs) throw new RangeError(`At most ${maxJobs} jobs at once`)
  if (jobs.length === 0) return []
  await lockRepository(unit, repositoryId)
  const known = await findJobs(unit, { repositoryId, ids: jobs.map(({ id }) => id) })
  const merged = new Map<number, JobSnapshot>()
  const changes = jobs.flatMap((told): JobChange[] => {
    const before = merged.get(told.id) ?? known.get(told.id) ?? null
    const after = mergeJob(before, told)
    if (before !== null && isSameJob(before, after)) return []
    merged.set(after.id, after)
    const steps = changedSteps(before?.steps ?? [], after.steps)
    return [{ before, after, changedSteps: steps }]
  })
  if (changes.length > 0) {
    await upsertJobs(unit, repositoryId, [...merged.values()])
    await markJobsChanged(unit, repositoryId)
  }
  return changes
}

/** The same for one job; null where nothing changed. */
export async function storeJob(
  unit: Pick<UnitOfWork, 'trx'>,
  input: { repositoryId: number; job: JobSnapshot },
): Promise<JobChange | null> {
  const { repositoryId, job } = input
  const [change = null] = await storeJobs(unit, { repositoryId, jobs: [job] })
  return change
}

/**
 * Notes that all jobs of this attempt are here as they ended. Without effect where the run is in
 * another attempt by now, or has not ended.
 */
export async function completeJobs(
  { trx }: Pick<UnitOfWork, 'trx'>,
  input: { runId: number; attempt: number },
): Promise<void> {
  await sql`
    update workflow_runs set jobs_complete = true
    where id = ${input.runId} and attempt = ${input.attempt} and github_status = 'completed'
  `.execute(trx)
}

/** Stores the whole list of a run's artifacts. Without effect where the run is in another attempt by now. */
export async function storeArtifacts(
  { trx }: Pick<UnitOfWork, 'trx'>,
  input: { runId: number; attempt: number; artifacts: readonly ArtifactSnapshot[] },
): Promise<void> {
  await sql`
    with changed as (
      update workflow_runs set artifacts = ${JSON.stringify(input.artifacts)}::jsonb
      where id = ${input.runId} and attempt = ${input.attempt} returning repository_id
    )
    update monitored_repositories m set jobs_version = jobs_version + 1
    from changed where m.id = changed.repository_id
  `.execute(trx)
}

async function findJobs(
  { trx }: Pick<UnitOfWork, 'trx'>,
  { repositoryId, ids }: { repositoryId: number; ids: readonly number[] },
): Promise<Map<number, JobSnapshot>> {
  const { rows } = await sql<JobSnapshot>`
    select id, run_id as "runId", attempt, name, github_status as "githubStatus", conclusion,
           created_at as "createdAt", started_at as "startedAt", completed_at as "completedAt",
           runner_name as "runnerName", labels, steps
    from workflow_jobs
    where id = any(${[...new Set(ids)]}::bigint[]) and repository_id = ${repositoryId}`.execute(trx)
  return new Map(rows.map((row) => [row.id, row]))
}

async function upsertJobs(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
  jobs: readonly JobSnapshot[],
): Promise<void> {
  await trx
    .insertInto('workflow_jobs')
    .values(
      jobs.map((job) => ({
        id: job.id,
        repository_id: repositoryId,
        run_id: job.runId,
        attempt: job.attempt,
        name: job.name,
        status: mapStatus(job.githubStatus, job.conclusion),
        github_status: job.githubStatus,
        conclusion: job.conclusion,
        created_at: job.createdAt,
        started_at: job.startedAt,
        completed_at: job.completedAt,
        runner_name: job.runnerName,
        labels: [...job.labels],
        steps: JSON.stringify(job.steps),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => ({
          run_id: eb.ref('excluded.run_id'),
          attempt: eb.ref('excluded.attempt'),
          name: eb.ref('excluded.name'),
          status: eb.ref('excluded.status'),
          github_status: eb.ref('excluded.github_status'),
          conclusion: eb.ref('excluded.conclusion'),
          created_at: eb.ref('excluded.created_at'),
          started_at: eb.ref('excluded.started_at'),
          completed_at: eb.ref('excluded.completed_at'),
          runner_name: eb.ref('excluded.runner_name'),
          labels: eb.ref('excluded.labels'),
          steps: eb.ref('excluded.steps'),
        }))
        .whereRef('workflow_jobs.repository_id', '=', 'excluded.repository_id'),
    )
    .execute()
}
