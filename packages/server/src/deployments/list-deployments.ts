import type {
  DeploymentHistoryResponse,
  DeploymentStatus,
  ListDeploymentsQuery,
  ListDeploymentsResponse,
} from '@slipway/contract/deployments'
import { type Kysely, sql } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Environments } from '../environments/index.ts'
import type { Principal } from '../ports/identity.ts'
import { type DeploymentRow, toDeployment } from './deployment-rows.ts'
import type { DeploymentPlace } from './manifests/deployment-paths.ts'

/**
 * All deployments at a place, newest first. The ordinals are dense, so a page is a range of them: the
 * last one costs what the first does.
 */
export async function getDeploymentHistory(
  deps: { db: Kysely<Tables>; environments: Environments },
  input: { principal: Principal; place: DeploymentPlace; limit: number; offset: number },
): Promise<DeploymentHistoryResponse> {
  const { place, limit, offset } = input
  requireVisible(input.principal, place.repository)
  deps.environments.require(place.environment)
  const here = sql`d.environment = ${place.environment} and d.repository = ${place.repository}
                   and d.project = ${place.project} and d.ordinal is not null`
  const { rows } = await sql<{ total: number } & { [K in keyof DeploymentRow]: DeploymentRow[K] }>`
    select newest.ordinal as total, page.*
      from (select d.ordinal from deployments d where ${here}
             order by d.ordinal desc limit 1) newest
      left join lateral (
        select * from deployments d
         where ${here} and d.ordinal <= newest.ordinal - ${offset}::bigint
           and d.ordinal > newest.ordinal - ${offset}::bigint - ${limit}::bigint
         order by d.ordinal desc
      ) page on true
     order by page.ordinal desc`.execute(deps.db)
  const deployments = rows.flatMap((row) =>
    row.id === null
      ? []
      : [
          {
            id: row.id,
            release_number: row.release_number,
            status: row.status as DeploymentStatus,
            deployed_at: (row.deployed_at ?? row.created_at).toISOString(),
            deployed_by: row.deployed_by,
            release_id: row.release_id,
            rollback: row.rollback,
            gitops_commit_sha: row.gitops_commit_sha ?? '',
          },
        ],
  )
  return { deployments, total: rows[0]?.total ?? 0, limit, offset }
}

/** Deployments anywhere that the principal may see, newest first. */
export async function listDeployments(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; query: ListDeploymentsQuery },
): Promise<ListDeploymentsResponse> {
  const { principal, query } = input
  const { repository, project, environment, status, limit = 20, offset = 0 } = query
  if (repository !== undefined) requireVisible(principal, repository)
  const visible = repository === undefined ? principal.repositories : [repository]
  let listed = deps.db
    .selectFrom('deployments')
    .innerJoin('releases', 'releases.id', 'deployments.release_id')
    .selectAll('deployments')
    .select('releases.commit_sha')
    .where('deployments.status', '<>', 'preparing')
    // Ids are made when a deployment is asked for, and their order is that of time.
    .orderBy('deployments.id', 'desc')
    .limit(limit + 1)
    .offset(offset)
  if (visible !== null) listed = listed.where('deployments.repository', 'in', [...visible, ''])
  if (project !== undefined) listed = listed.where('deployments.project', '=', project)
  if (environment !== undefined) listed = listed.where('deployments.environment', '=', environment)
  if (status !== undefined) listed = listed.where('deployments.status', '=', status)
  const rows = await listed.execute()
  return {
    deployments: rows.slice(0, limit).map(toDeployment),
    limit,
    offset,
    has_more: rows.length > limit,
  }
}
