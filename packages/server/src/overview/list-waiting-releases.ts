import type { WaitingRelease, WaitingReleasesResponse } from '@slipway/contract/overview'
import type { EnvironmentConfig } from '@slipway/forge'
import { type Kysely, sql } from 'kysely'
import { allows } from '../access/index.ts'
import { countApprovers, type GivenApproval } from '../approvals/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { EnvironmentPolicy, Environments } from '../environments/index.ts'
import type { Principal } from '../ports/identity.ts'
import { visibleOnly } from './visible-only.ts'

const daysBack = 30
const most = 50
/** Approvals of one release that are looked at. */
const mostApprovals = 100

/**
 * Releases that wait for an approval: the newest of their project, deployed somewhere already, newer than
 * what an environment has that asks for approvals.
 */
export async function listWaitingReleases(
  deps: { db: Kysely<Tables>; environments: Environments },
  { principal }: { principal: Principal },
): Promise<WaitingReleasesResponse> {
  const names = deps.environments.list().map(({ name }) => name)
  const { rows } = await sql<Row>`
    select release.id, release.repository, release.project, release.release_number,
           release.commit_sha, release.created_at, release.environments, place.environment,
           current.release_number as deployed,
           coalesce((select jsonb_agg(given) from (
             select id, approver_id, roles, expires_at from approvals
              where approvals.release_id = release.id and approvals.environment = place.environment
                and revoked_at is null and expires_at > now()
              order by approved_at desc limit ${mostApprovals}) as given), '[]') as given
      from release_counters as counter
     cross join lateral (
       select * from releases
        where releases.repository = counter.repository and releases.project = counter.project
        order by release_number desc limit 1) as release
     cross join lateral (
       select from deployments
        where deployments.release_id = release.id and status in ('active', 'pending')
        limit 1) as somewhere
     cross join unnest(${names}::text[]) as place (environment)
      left join lateral (
        select release_number, status from deployments
         where deployments.environment = place.environment
           and deployments.repository = release.repository and deployments.project = release.project
           and ordinal is not null
         order by ordinal desc limit 1) as current on true
     where ${visibleOnly(principal, sql`counter.repository`)}
       and release.created_at > now() - ${daysBack} * interval '1 day'
       and coalesce(current.release_number, 0) < release.release_number
     order by release.created_at desc, release.id, place.environment
     limit ${most * names.length}`.execute(deps.db)
  const now = new Date()
  const waiting = rows.flatMap((row): WaitingRelease[] => {
    const policy = deps.environments.policyFor(row.environment, row.environments)
    if (!policy.approval.required) return []
    const given = row.given.map((approval) => toGiven(row, approval))
    return [
      {
        repository: row.repository,
        project: row.project,
        environment: row.environment,
        release: {
          id: row.id,
          release_number: row.release_number,
          commit_sha: row.commit_sha,
          created_at: row.created_at.toISOString(),
        },
        deployed_release_number: row.deployed,
        required: policy.approval.approvals,
        given: countApprovers(policy, given, now),
        may_approve: mayApprove(principal, policy, given),
      },
    ]
  })
  return { waiting: waiting.slice(0, most) }
}

function mayApprove(
  principal: Principal,
  policy: EnvironmentPolicy,
  given: readonly GivenApproval[],
): boolean {
  const counts = principal.roles.some((role) =>
    policy.approval.roles.some((allowed) => allowed === role),
  )
  const has = given.some(({ approverId }) => approverId === principal.id)
  return counts && !has && allows(principal, 'approvals:create')
}

function toGiven(row: Row, approval: Row['given'][number]): GivenApproval {
  return {
    id: approval.id,
    releaseId: row.id,
    environment: row.environment,
    approverId: approval.approver_id,
    roles: approval.roles,
    expiresAt: new Date(approval.expires_at),
    revokedAt: null,
  }
}

interface Row {
  id: string
  repository: string
  project: string
  release_number: number
  commit_sha: string
  created_at: Date
  environments: readonly EnvironmentConfig[]
  environment: string
  deployed: number | null
  given: readonly {
    id: string
    approver_id: string
    roles: GivenApproval['roles']
    expires_at: string
  }[]
}
