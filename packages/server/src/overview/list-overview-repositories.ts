import type { OverviewRepositoriesResponse, OverviewRepository } from '@slipway/contract/overview'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { contains, visibleOnly } from './visible-only.ts'

export interface OverviewRepositoriesInput {
  principal: Principal
  search?: string | undefined
  limit: number
  offset: number
}

/**
 * Every repository that has runs of ours, or whose GitHub Actions are watched, with the newest of each;
 * the last to do something first. Each costs a few looks into an index, however many runs there are.
 */
export async function listOverviewRepositories(
  deps: { db: Kysely<Tables> },
  { principal, search, limit, offset }: OverviewRepositoriesInput,
): Promise<OverviewRepositoriesResponse> {
  const { rows } = await sql<Row>`
    with named as (
      select repository from run_ordinals where branch = ''
       union
      select full_name from monitored_repositories where lost_at is null
    )
    select named.repository,
           run.id as run_id, run.branch as run_branch, run.commit_sha as run_commit_sha,
           run.status as run_status, run.started_at as run_started_at,
           run.completed_at as run_completed_at,
           workflow.id as workflow_id, workflow.workflow_name, workflow.branch as workflow_branch,
           workflow.commit_sha as workflow_commit_sha, workflow.status as workflow_status,
           workflow.run_started_at as workflow_started_at, workflow.url as workflow_url,
           (select count(*)::integer from runs
             where runs.repository = named.repository and status in ('pending', 'running')) as active,
           greatest(run.started_at, run.completed_at, workflow.updated_at) as last_activity_at
      from named
      left join lateral (
        select id, branch, commit_sha, status, started_at, completed_at from runs
         where runs.repository = named.repository
         order by repository_ordinal desc limit 1) as run on true
      left join lateral (
        select id from monitored_repositories
         where lower(full_name) = lower(named.repository)) as monitored on true
      left join lateral (
        select * from workflow_runs where repository_id = monitored.id
         order by created_at desc, id desc limit 1) as workflow on true
     where ${visibleOnly(principal, sql`named.repository`)}
       and ${contains(search, sql`named.repository`)}
     order by last_activity_at desc nulls last, named.repository
     limit ${limit + 1} offset ${offset}`.execute(deps.db)
  const repositories = rows.slice(0, limit).map(toRepository)
  return { repositories, limit, offset, has_more: rows.length > limit }
}

function toRepository(row: Row): OverviewRepository {
  return {
    repository: row.repository,
    latest_run:
      row.run_id === null
        ? null
        : {
            id: row.run_id,
            branch: row.run_branch,
            commit_sha: row.run_commit_sha,
            status: row.run_status,
            started_at: row.run_started_at.toISOString(),
            completed_at: row.run_completed_at?.toISOString() ?? null,
          },
    latest_workflow:
      row.workflow_id === null
        ? null
        : {
            id: Number(row.workflow_id),
            name: row.workflow_name,
            branch: row.workflow_branch,
            commit_sha: row.workflow_commit_sha,
            status: row.workflow_status,
            started_at: row.workflow_started_at.toISOString(),
            url: row.workflow_url,
          },
    active_runs: row.active,
    last_activity_at: row.last_activity_at?.toISOString() ?? null,
  }
}

type Latest = NonNullable<OverviewRepository['latest_run']>
type Workflow = NonNullable<OverviewRepository['latest_workflow']>

interface Row {
  repository: string
  /** Null where nothing of ours has run: then the others are, too. */
  run_id: string | null
  run_branch: string
  run_commit_sha: string
  run_status: Latest['status']
  run_started_at: Date
  run_completed_at: Date | null
  /** Null where no workflow run is known. */
  workflow_id: string | null
  workflow_name: string
  workflow_branch: string
  workflow_commit_sha: string
  workflow_status: Workflow['status']
  workflow_started_at: Date
  workflow_url: string
  active: number
  last_activity_at: Date | null
}
