import type { Deployment, DeploymentStatus } from '@slipway/contract/deployments'
import type { EventData } from '@slipway/contract/events'
import type { Selectable } from 'kysely'
import type { DeploymentsTable } from '../db/tables.gen.ts'

export type DeploymentRow = Selectable<DeploymentsTable>

/** A row that is visible, as the API shows it. */
export function toDeployment(row: DeploymentRow & { commit_sha: string }): Deployment {
  return {
    id: row.id,
    deployment_id: row.id,
    release_id: row.release_id,
    release_number: row.release_number,
    commit_sha: row.commit_sha,
    repository: row.repository,
    project: row.project,
    environment: row.environment,
    status: row.status as DeploymentStatus,
    rollback: row.rollback,
    automatic: row.automatic,
    deployed_at: (row.deployed_at ?? row.created_at).toISOString(),
    deployed_by: row.deployed_by,
    activated_at: row.activated_at?.toISOString() ?? null,
    superseded_at: row.superseded_at?.toISOString() ?? null,
    failed_at: row.failed_at?.toISOString() ?? null,
    gitops_commit_sha: row.gitops_commit_sha ?? '',
    ...(row.reason === null ? {} : { reason: row.reason }),
    approval_ids: row.approval_ids,
  }
}

/** What every event of a deployment says. */
export function eventDataOf(
  row: Pick<
    DeploymentRow,
    'id' | 'release_id' | 'environment' | 'repository' | 'project' | 'release_number'
  >,
): Omit<EventData<'deployment.failed'>, 'reason'> {
  return {
    deployment_id: row.id,
    release_id: row.release_id,
    environment: row.environment,
    repository: row.repository,
    project: row.project,
    release_number: row.release_number,
  }
}
