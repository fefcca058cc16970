import type {
  FailedBuild,
  FailedRun,
  WaitingForMeResponse,
  WaitingWorkflow,
} from '@slipway/contract/overview'
import { type Kysely, sql } from 'kysely'
import { allows } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Environments } from '../environments/index.ts'
import { listPullRequests } from '../github/index.ts'
import type { Principal } from '../ports/identity.ts'
import { listWaitingReleases } from './list-waiting-releases.ts'
import { newestRuns } from './newest-runs.ts'
import { visibleOnly } from './visible-only.ts'

/** Of each kind. */
const most = 20
const daysBack = 7
/** Newest builds that are looked at. */
const buildsLookedAt = 2_000

/**
 * What waits for whoever asks: what they may decide, and what of theirs has failed and was not done anything
 * about. Nothing of a kind that they may not see.
 */
export async function listWaitingForMe(
  deps: { db: Kysely<Tables>; environments: Environments },
  { principal }: { principal: Principal },
): Promise<WaitingForMeResponse> {
  const { db } = deps
  const mayApprove = allows(principal, 'approvals:create')
  const releases = mayApprove ? await listWaitingReleases(deps, { principal }) : { waiting: [] }
  const { pull_requests } = allows(principal, 'pull-requests:approve')
    ? await listPullRequests(deps, { principal, status: 'waiting', limit: most, offset: 0 })
    : { pull_requests: [] }
  return {
    approvals: releases.waiting.filter((one) => one.may_approve).slice(0, most),
    pull_requests,
    workflows: allows(principal, 'pipelines:read') ? await waitingWorkflows(db, principal) : [],
    failed_runs: await failedRuns(db, principal),
    failed_builds: allows(principal, 'builds:read') ? await failedBuilds(db, principal) : [],
  }
}

async function waitingWorkflows(
  db: Kysely<Tables>,
  principal: Principal,
): Promise<WaitingWorkflow[]> {
  const { rows } = await sql<WaitingWorkflow & { started: Date }>`
    select run.id::float8 as id, repository.full_name as repository, run.branch,
           run.workflow_name as name, run.url, run.commit_message as message,
           run.run_started_at as started
      from workflow_runs as run
      join monitored_repositories as repository on repository.id = run.repository_id
     where run.conclusion is null and run.github_status = 'waiting'
       and repository.lost_at is null
       and ${visibleOnly(principal, sql`repository.full_name`)}
     order by run.run_started_at desc, run.id desc limit ${most}`.execute(db)
  return rows.map(({ started, ...workflow }) => ({ ...workflow, since: started.toISOString() }))
}

async function failedRuns(db: Kysely<Tables>, principal: Principal): Promise<FailedRun[]> {
  const { rows } = await sql<FailedRun & { at: Date }>`
    select run.id, run.repository, run.branch, run.message, run.completed_at as at
      from (${newestRuns(principal)}) as newest
      join runs as run on run.id = newest.id
     where newest.triggered_by = ${principal.name} and newest.status = 'failed'
       and run.completed_at > now() - ${daysBack} * interval '1 day'
       and not exists (
         select from runs as newer
          where newer.repository = newest.repository and newer.branch = newest.branch
            and newer.branch_ordinal > newest.branch_ordinal
            and newer.status in ('success', 'failed'))
     order by run.completed_at desc, run.id desc limit ${most}`.execute(db)
  return rows.map(({ at, ...run }) => ({ ...run, failed_at: at.toISOString() }))
}

async function failedBuilds(db: Kysely<Tables>, principal: Principal): Promise<FailedBuild[]> {
  const { rows } = await sql<FailedBuild & { at: Date }>`
    with newest as (
      select id, repository, status, failure_reason, error, created_by, retry_of, completed_at
        from builds order by id desc limit ${buildsLookedAt}
    )
    select id, repository, error, completed_at as at from newest
     where status = 'failed' and created_by = ${principal.name}
       and failure_reason is distinct from 'cancelled'
       and completed_at > now() - ${daysBack} * interval '1 day'
       and id not in (select retry_of from newest where retry_of is not null)
       and ${visibleOnly(principal, sql`repository`)}
     order by id desc limit ${most}`.execute(db)
  return rows.map(({ at, ...build }) => ({ ...build, failed_at: at.toISOString() }))
}
