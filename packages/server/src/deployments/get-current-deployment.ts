import type { CurrentDeployment } from '@slipway/contract/deployments'
import type { Kysely } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Environments } from '../environments/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { DeploymentPlace } from './manifests/deployment-paths.ts'

/** What is active at a place; `resource_not_found` where nothing is. */
export async function getCurrentDeployment(
  deps: { db: Kysely<Tables>; environments: Environments },
  input: { principal: Principal; place: DeploymentPlace },
): Promise<CurrentDeployment> {
  const { environment, repository, project } = input.place
  requireVisible(input.principal, repository)
  deps.environments.require(environment)
  const row = await deps.db
    .selectFrom('deployments')
    .selectAll()
    .where('environment', '=', environment)
    .where('repository', '=', repository)
    .where('project', '=', project)
    .where('status', '=', 'active')
    .executeTakeFirst()
  if (row === undefined) {
    throw new AppError(
      'resource_not_found',
      `Nothing of ${repository}/${project} is active in ${environment}`,
    )
  }
  return {
    deployment_id: row.id,
    release_id: row.release_id,
    release_number: row.release_number,
    environment,
    status: 'active',
    deployed_at: (row.deployed_at ?? row.created_at).toISOString(),
    deployed_by: row.deployed_by,
    gitops_commit_sha: row.gitops_commit_sha ?? '',
  }
}
