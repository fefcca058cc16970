import { sql } from 'kysely'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { type DeploymentRow, eventDataOf } from './deployment-rows.ts'
import { planActivation, type Standing } from './deployment-states.ts'
import type { DeploymentsDeps } from './deps.ts'

type LockedRow = DeploymentRow & { run_id: string | null }

/**
 * A deployment was reconciled: it becomes `active`, and what was committed before it at its place
 * `superseded`, in one transaction; where a later one is active already, it is superseded itself.
 * Repeating changes nothing.
 */
export async function activateDeployment(
  deps: DeploymentsDeps,
  input: { id: string },
): Promise<void> {
  await transact(deps, async (unit) => {
    const rows = await lockPlace(unit, input.id)
    const standings = rows.flatMap(({ id, ordinal, status }): Standing[] =>
      ordinal === null || status === 'preparing' ? [] : [{ id, ordinal, status }],
    )
    const byId = new Map(rows.map((row) => [row.id, row]))
    for (const change of planActivation(standings, input.id)) {
      const row = byId.get(change.id)
      if (row === undefined) continue
      if (change.status === 'active') await becomeActive(unit, row)
      else await becomeSuperseded(unit, row, change.by)
    }
  })
}

/** Everything at the deployment's place that can still change, in the order of the commits. */
async function lockPlace(unit: UnitOfWork, id: string): Promise<LockedRow[]> {
  const { rows } = await sql<LockedRow>`
    select deployment.*, releases.run_id
      from deployments it
      join deployments deployment
        on deployment.environment = it.environment and deployment.repository = it.repository
       and deployment.project = it.project and deployment.ordinal is not null
       and deployment.status in ('pending', 'active')
      join releases on releases.id = deployment.release_id
     where it.id = ${id}::uuid
     order by deployment.ordinal
       for update of deployment`.execute(unit.trx)
  return rows
}

async function becomeActive(unit: UnitOfWork, row: LockedRow): Promise<void> {
  await unit.trx
    .updateTable('deployments')
    .set({ status: 'active', activated_at: unit.now, reason: null, failed_at: null })
    .where('id', '=', row.id)
    .execute()
  const since = row.deployed_at ?? row.created_at
  const seconds = Math.floor((unit.now.getTime() - since.getTime()) / 1000)
  unit.emit({
    type: 'deployment.completed',
    repository: row.repository,
    runId: row.run_id,
    data: {
      ...eventDataOf(row),
      status: 'active',
      reconciliation_duration_seconds: Math.max(0, seconds),
    },
  })
}

async function becomeSuperseded(unit: UnitOfWork, row: LockedRow, by: string): Promise<void> {
  await unit.trx
    .updateTable('deployments')
    .set({ status: 'superseded', superseded_at: unit.now, reason: null })
    .where('id', '=', row.id)
    .execute()
  unit.emit({
    type: 'deployment.superseded',
    repository: row.repository,
    runId: row.run_id,
    data: { ...eventDataOf(row), superseded_by: by },
  })
}
