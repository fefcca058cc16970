import type { RedPipeline, RedPipelinesResponse } from '@slipway/contract/overview'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { newestRuns } from './newest-runs.ts'
import { visibleOnly } from './visible-only.ts'

/** Newest runs of one branch that succeeded or failed that are looked at for the last success. */
const historyLookedAt = 200
const mostOfEachKind = 50

/** Branches of ours, and workflows of GitHub's, whose last finished run failed: the newest first, and since when. */
export async function listRedPipelines(
  deps: { db: Kysely<Tables> },
  { principal }: { principal: Principal },
): Promise<RedPipelinesResponse> {
  const [runs, workflows] = await Promise.all([
    redRuns(deps, principal),
    redWorkflows(deps, principal),
  ])
  const red = [...runs, ...workflows].toSorted((a, b) => b.last_at.localeCompare(a.last_at))
  return { red }
}

async function redRuns(
  { db }: { db: Kysely<Tables> },
  principal: Principal,
): Promise<RedPipeline[]> {
  const { rows } = await sql<RunRow>`
    with recent as (
      select distinct repository, branch from (${newestRuns(principal)}) as newest
    ), red as (
      select recent.repository, recent.branch, last.branch_ordinal, last.started_at
        from recent
        join lateral (
          select branch_ordinal, status, started_at from runs
           where runs.repository = recent.repository and runs.branch = recent.branch
             and status in ('success', 'failed')
           order by branch_ordinal desc limit 1) as last on last.status = 'failed'
       order by last.started_at desc limit ${mostOfEachKind}
    )
    select red.repository, red.branch, last.id, last.message, red.started_at,
           (select min(past.started_at) from (
              select started_at, status,
                     count(*) filter (where status = 'success')
                       over (order by branch_ordinal desc) as successes
                from (select started_at, status, branch_ordinal from runs
                       where runs.repository = red.repository and runs.branch = red.branch
                         and status in ('success', 'failed')
                       order by branch_ordinal desc limit ${historyLookedAt}) as history
            ) as past where past.successes = 0) as since
      from red
      join runs as last
        on last.repository = red.repository and last.branch = red.branch
       and last.branch_ordinal = red.branch_ordinal
     order by red.started_at desc`.execute(db)
  return rows.map((row) => ({
    kind: 'run',
    repository: row.repository,
    branch: row.branch,
    name: null,
    id: row.id,
    url: null,
    message: row.message,
    since: (row.since ?? row.started_at).toISOString(),
    last_at: row.started_at.toISOString(),
  }))
}

async function redWorkflows(
  { db }: { db: Kysely<Tables> },
  principal: Principal,
): Promise<RedPipeline[]> {
  const { rows } = await sql<WorkflowRow>`
    select repository.full_name as repository, last.branch, last.workflow_name as name,
           last.id::text, last.url, last.commit_message as message, last.run_started_at as started_at,
           (select min(past.run_started_at) from (
              select run_started_at, status,
                     count(*) filter (where status = 'success')
                       over (order by created_at desc, id desc) as successes
                from (select run_started_at, status, created_at, id from workflow_runs as history
                       where history.repository_id = last.repository_id
                         and history.workflow_id = last.workflow_id and history.branch = last.branch
                       order by created_at desc, id desc limit ${historyLookedAt}) as history
            ) as past where past.successes = 0 and past.status = 'failure') as since
      from newest_workflow_runs as newest
      join workflow_runs as last on last.id = newest.run_id
      join monitored_repositories as repository on repository.id = newest.repository_id
     where newest.status = 'failure' and repository.lost_at is null
       and ${visibleOnly(principal, sql`repository.full_name`)}
     order by newest.started_at desc, newest.run_id desc limit ${mostOfEachKind}`.execute(db)
  return rows.map((row) => ({
    kind: 'workflow',
    repository: row.repository,
    branch: row.branch,
    name: row.name,
    id: row.id,
    url: row.url,
    message: row.message,
    since: (row.since ?? row.started_at).toISOString(),
    last_at: row.started_at.toISOString(),
  }))
}

interface RunRow {
  repository: string
  branch: string
  id: string
  message: string | null
  started_at: Date
  since: Date | null
}

interface WorkflowRow extends RunRow {
  name: string
  url: string
}
