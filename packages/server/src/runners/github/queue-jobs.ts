import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../db/tables.gen.ts'
import type { UnitOfWork } from '../../db/unit-of-work.ts'
import type { QueueState } from '../../ports/github-runners.ts'
import { mergeQueueJob, type ToldJob } from './merge-queue-job.ts'

/** A job of GitHub's queue as it is kept. */
export interface KeptJob extends ToldJob {
  /** owner/name. */
  repository: string
  /** When GitHub's API last said the same; null: only deliveries did. */
  confirmedAt: Date | null
}

type Connection = Pick<Kysely<Tables>, 'getExecutor'>

/**
 * Whoever compares a repository's queue with its delegations has this, until the end of its transaction:
 * two that do so at once might each believe that a job has none.
 */
export async function lockQueue({ trx }: UnitOfWork, repository: string): Promise<void> {
  const key = `github queue ${repository.toLowerCase()}`
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(trx)
}

/** Stores what was told of a job; answers it, as far as it is known now. Behind `lockQueue`. */
export async function storeQueueJob(
  unit: UnitOfWork,
  input: { repository: string; told: ToldJob; confirmedAt: Date | null },
): Promise<KeptJob> {
  const { repository, told, confirmedAt } = input
  const known = await findQueueJob(unit.trx, told.id)
  const job = mergeQueueJob(known, told)
  const isNews = known?.state !== job.state
  // What GitHub said before this was known does not confirm it.
  const confirmed = confirmedAt !== null && told.state === job.state ? confirmedAt : null
  await sql`
    insert into queue_jobs
      (github_job_id, repository, github_run_id, run_attempt, name, workflow, sha, branch, event_name,
       actor, labels, state, conclusion, runner_name, queued_at, confirmed_at, updated_at)
    values (${job.id}, ${repository}, ${String(job.runId)}, ${job.attempt}, ${job.name}, ${job.workflow},
            ${job.sha}, ${job.branch}, ${job.event}, ${job.actor}, ${job.labels}::text[], ${job.state},
            ${job.conclusion}, ${job.runnerName}, ${job.queuedAt}, ${confirmed}, ${unit.now})
    on conflict (github_job_id) do update
      set repository = excluded.repository, run_attempt = excluded.run_attempt, name = excluded.name,
          workflow = excluded.workflow, sha = excluded.sha, branch = excluded.branch,
          event_name = excluded.event_name, actor = excluded.actor, labels = excluded.labels,
          state = excluded.state, conclusion = excluded.conclusion, runner_name = excluded.runner_name,
          queued_at = excluded.queued_at,
          confirmed_at = coalesce(excluded.confirmed_at, queue_jobs.confirmed_at),
          updated_at = case when ${isNews} then excluded.updated_at else queue_jobs.updated_at end
  `.execute(unit.trx)
  return { ...job, repository, confirmedAt: confirmed ?? known?.confirmedAt ?? null }
}

export async function findQueueJob(db: Connection, id: number): Promise<KeptJob | null> {
  const { rows } = await sql<Omit<KeptJob, 'runId'> & { runId: string; state: QueueState }>`
    select github_job_id as id, repository, github_run_id as "runId", run_attempt as attempt, name,
           workflow, sha, branch, event_name as event, actor, labels, state, conclusion,
           runner_name as "runnerName", queued_at as "queuedAt", confirmed_at as "confirmedAt"
    from queue_jobs where github_job_id = ${id}`.execute(db)
  const [row] = rows
  return row === undefined ? null : { ...row, runId: Number(row.runId) }
}
