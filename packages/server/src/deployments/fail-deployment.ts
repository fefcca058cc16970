import { sql } from 'kysely'
import { transact } from '../db/unit-of-work.ts'
import { type DeploymentRow, eventDataOf } from './deployment-rows.ts'
import type { DeploymentsDeps } from './deps.ts'

/**
 * Says once that a pending deployment has failed, and why. It stays pending: it can still be
 * reconciled, or superseded.
 */
export async function failDeployment(
  deps: DeploymentsDeps,
  input: { id: string; reason: string },
): Promise<void> {
  await transact(deps, async (unit) => {
    const { rows } = await sql<DeploymentRow & { run_id: string | null }>`
      update deployments as deployment
         set failed_at = ${unit.now}, reason = ${input.reason}
        from releases
       where deployment.id = ${input.id}::uuid and deployment.status = 'pending'
         and deployment.failed_at is null and releases.id = deployment.release_id
      returning deployment.*, releases.run_id`.execute(unit.trx)
    const [row] = rows
    if (row === undefined) return
    unit.emit({
      type: 'deployment.failed',
      repository: row.repository,
      runId: row.run_id,
      data: { ...eventDataOf(row), reason: input.reason },
    })
  })
}
