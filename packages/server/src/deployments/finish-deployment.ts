import { sql } from 'kysely'
import { transact } from '../db/unit-of-work.ts'
import { type DeploymentRow, eventDataOf } from './deployment-rows.ts'
import type { DeploymentsDeps } from './deps.ts'

/**
 * Makes a deployment visible whose commit is in the GitOps repository, with the next number of its
 * place. Only for whoever has the repository's turn: numbers follow the order of the commits.
 * Repeating is harmless.
 */
export async function finishDeployment(
  deps: DeploymentsDeps,
  input: { id: string; sha: string },
): Promise<void> {
  await transact(deps, async (unit) => {
    const { rows } = await sql<DeploymentRow & { run_id: string | null }>`
      update deployments as deployment
         set status = 'pending', gitops_commit_sha = ${input.sha},
             deployed_at = coalesce(deployment.deployed_at, ${unit.now}),
             ordinal = 1 + coalesce((
               select max(other.ordinal) from deployments other
                where other.environment = deployment.environment
                  and other.repository = deployment.repository
                  and other.project = deployment.project and other.ordinal is not null), 0)
        from releases
       where deployment.id = ${input.id}::uuid and deployment.status = 'preparing'
         and releases.id = deployment.release_id
      returning deployment.*, releases.run_id`.execute(unit.trx)
    const [row] = rows
    if (row === undefined) return
    unit.emit({
      type: 'deployment.created',
      repository: row.repository,
      runId: row.run_id,
      data: {
        ...eventDataOf(row),
        deployed_by: row.deployed_by,
        gitops_commit_sha: input.sha,
      },
    })
  })
}
