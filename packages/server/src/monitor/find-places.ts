import type { FlakyPlace, SlowPlace } from '@slipway/contract/pipeline-insights'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { type Looked, runsOf } from './looked-at.ts'
import { percentOf } from './round-figures.ts'

type Executor = Pick<Kysely<Tables>, 'getExecutor'>
type Kind = 'job' | 'step'

/** Places that an answer names. */
const maxPlaces = 20

/** Every job of these runs, all attempts, or every step of them, with what became of it and when it ended. */
function placesOf(looked: Looked, kind: Kind) {
  const part =
    kind === 'job'
      ? sql`select null::text as step, j.conclusion, j.started_at, j.completed_at`
      : sql`select s.name as step, s.conclusion, s.started_at, s.completed_at
            from jsonb_to_recordset(j.steps)
              as s(name text, conclusion text, started_at timestamptz, completed_at timestamptz)`
  return sql`
    select r.repository_id, r.workflow_id, r.workflow_name, r.commit_sha, r.created_at,
           r.id as run_id, j.attempt, j.name as job, p.step, p.conclusion, p.started_at, p.completed_at
    from workflow_runs r join workflow_jobs j on j.run_id = r.id
    cross join lateral (${part}) p
    where ${runsOf(looked)} and p.conclusion in ('success', 'failure', 'timed_out')
      and p.completed_at is not null`
}

/** Where most time goes: the longest by their median. */
export async function findSlowPlaces(
  db: Executor,
  looked: Looked,
  kind: Kind,
): Promise<SlowPlace[]> {
  const { rows } = await sql<SlowPlace>`
    with place as (${placesOf(looked, kind)}), timed as (
      select *, greatest(0, extract(epoch from completed_at - started_at)) as took
      from place where started_at is not null
    )
    select m.full_name as repository,
           (array_agg(t.workflow_name order by t.created_at desc))[1] as "workflowName",
           t.job, t.step, count(*) as runs,
           round(percentile_cont(0.5) within group (order by t.took))::int as "durationP50",
           round(percentile_cont(0.95) within group (order by t.took))::int as "durationP95"
    from timed t join monitored_repositories m on m.id = t.repository_id
    group by m.full_name, t.workflow_id, t.job, t.step
    order by "durationP50" desc, runs desc, repository, job, step limit ${maxPlaces}`.execute(db)
  return rows
}

/** What failed on a commit and then, run again, succeeded on the same one. */
export async function findFlakyPlaces(
  db: Executor,
  looked: Looked,
  kind: Kind,
): Promise<FlakyPlace[]> {
  const { rows } = await sql<Omit<FlakyPlace, 'flakeRate'>>`
    with place as (${placesOf(looked, kind)}), attempt as (
      -- Several steps of a job may have one name: the attempt failed where one of them did.
      select repository_id, workflow_id, job, step, commit_sha,
             max(workflow_name) as workflow_name, max(created_at) as created_at,
             bool_and(conclusion = 'success') as succeeded, max(completed_at) as ended_at
      from place group by repository_id, workflow_id, job, step, commit_sha, run_id, attempt
    ), commit as (
      select repository_id, workflow_id, job, step, commit_sha,
             (array_agg(workflow_name order by created_at desc))[1] as workflow_name,
             max(created_at) as created_at,
             min(ended_at) filter (where not succeeded) as failed_at,
             max(ended_at) filter (where succeeded) as succeeded_at
      from attempt group by repository_id, workflow_id, job, step, commit_sha
    )
    select m.full_name as repository,
           (array_agg(c.workflow_name order by c.created_at desc))[1] as "workflowName",
           c.job, c.step, count(*) as commits,
           count(*) filter (where c.failed_at < c.succeeded_at) as flakes
    from commit c join monitored_repositories m on m.id = c.repository_id
    group by m.full_name, c.workflow_id, c.job, c.step
    having count(*) filter (where c.failed_at < c.succeeded_at) > 0
    order by flakes desc, commits, repository, job, step
    limit ${maxPlaces}`.execute(db)
  return rows.map((row) => ({ ...row, flakeRate: percentOf(row.flakes, row.commits) }))
}
