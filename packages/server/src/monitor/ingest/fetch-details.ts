import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { GitHubError } from '../../ports/github.ts'
import type { ArtifactSnapshot, JobSnapshot, RunSnapshot } from '../../ports/github-actions.ts'
import { lockRepository } from '../lock-repository.ts'
import { completeJobs, storeArtifacts } from '../store-job.ts'
import type { IngestDeps } from './deps.ts'
import { storeTold } from './store-told.ts'

/** An ended run whose jobs or artifacts are not all here. */
export interface Undetailed {
  repositoryId: number
  repository: string
  runId: number
  attempt: number
  createdAt: Date
  endedAt: Date
}

/** Milliseconds after a run's end that GitHub may still show its jobs at work. */
const settlesMs = 600_000
/** Earlier attempts of one run that are read. */
const mostAttempts = 5

/**
 * Fetches what an ended run has, once: its jobs with their steps, its artifacts, and what became of its
 * earlier attempts. Rejects with a `GitHubError`; a run that is gone at GitHub has nothing more.
 * Answers whether this is all: false where GitHub does not say the end of each job yet.
 */
export async function fetchDetails(
  deps: IngestDeps,
  run: Undetailed,
  signal: AbortSignal,
): Promise<boolean> {
  const { repository, repositoryId, runId, attempt } = run
  const { actions } = deps
  const jobs: JobSnapshot[] = []
  const attempts: RunSnapshot[] = []
  let artifacts: ArtifactSnapshot[] = []
  try {
    jobs.push(...(await jobsOf(deps, run, attempt, signal)))
    artifacts = await actions.listArtifacts(repository, runId, signal)
    for (const earlier of await unknownAttempts(deps, run)) {
      attempts.push(await actions.getRunAttempt(repository, { runId, attempt: earlier }, signal))
      jobs.push(...(await jobsOf(deps, run, earlier, signal)))
    }
  } catch (error) {
    if (!(error instanceof GitHubError) || error.reason !== 'missing') throw error
    // The run is gone, not the repository: else this is refused.
    await actions.getRepository(repository, signal)
  }
  const isAll =
    jobs.every(({ githubStatus }) => githubStatus === 'completed') ||
    Date.now() - run.endedAt.getTime() > settlesMs
  await transact(deps, async (unit) => {
    await lockRepository(unit, repositoryId)
    await storeTold(unit, { repositoryId, jobs, runs: attempts, newsSince: null })
    if (isAll) await completeJobs(unit, { runId, attempt })
    await storeArtifacts(unit, { runId, attempt, artifacts })
  })
  return isAll
}

async function jobsOf(
  { actions }: IngestDeps,
  { repository, runId }: Undetailed,
  attempt: number,
  signal: AbortSignal,
): Promise<JobSnapshot[]> {
  const answer = await actions.listJobs(repository, { runId, attempt, etag: null }, signal)
  return answer.changed ? answer.value : []
}

/** Attempts before this one of which the end is not known, the newest first. */
async function unknownAttempts(
  { db }: IngestDeps,
  { runId, attempt }: Undetailed,
): Promise<number[]> {
  if (attempt === 1) return []
  const { rows } = await sql<{ attempt: number }>`
    select n as attempt from generate_series(${Math.max(1, attempt - mostAttempts)}::int, ${attempt - 1}::int) as n
    where not exists (
      select from workflow_run_attempts a
      where a.run_id = ${runId} and a.attempt = n and a.conclusion is not null
        and exists (select from workflow_jobs j where j.run_id = a.run_id and j.attempt = n))
    order by n desc`.execute(db)
  return rows.map((row) => row.attempt)
}

/** Ended runs of the last `days` that lack something, newest first. */
export async function findUndetailed(
  { db }: Pick<IngestDeps, 'db'>,
  input: {
    since: Date
    limit: number
    repositoryId?: number
    /** Repositories, and runs, that are left alone. */
    without?: readonly number[]
    withoutRuns?: readonly number[]
  },
): Promise<Undetailed[]> {
  const { since, limit, repositoryId, without = [], withoutRuns = [] } = input
  const which =
    repositoryId === undefined
      ? sql`m.source <> 'read' and m.id <> all(${without}::int[])`
      : sql`m.id = ${repositoryId}`
  const { rows } = await sql<Undetailed>`
    select r.repository_id as "repositoryId", m.full_name as repository, r.id as "runId", r.attempt,
           r.created_at as "createdAt", r.updated_at as "endedAt"
    from workflow_runs r join monitored_repositories m on m.id = r.repository_id
    where r.github_status = 'completed' and (not r.jobs_complete or r.artifacts is null)
      and r.created_at >= ${since} and m.lost_at is null and ${which}
      and r.id <> all(${withoutRuns}::bigint[])
    order by r.created_at desc limit ${limit}`.execute(db)
  return rows
}
