import type { DelegationStatus } from '@slipway/contract/delegations'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { cancelJobs } from '../jobs/index.ts'
import type { LockedDelegation } from './delegation-rows.ts'
import { hasEnded } from './delegation-states.ts'
import type { RunnersDeps } from './deps.ts'
import { restProxy } from './proxies.ts'

/** Characters of a reason that are kept. */
const mostReasonLength = 1_000

/** How a delegation ends. */
export interface DelegationEnd {
  status: Extract<DelegationStatus, 'completed' | 'failed' | 'cancelled'>
  /** For people; null where there is nothing to say. */
  reason: string | null
  exitCode?: number | null
}

/**
 * Ends a locked delegation; its runner goes with it. False: it had ended already, and nothing changed. The
 * job of the ledger is the caller's.
 */
export async function endDelegation(
  deps: Pick<RunnersDeps, 'wakeDispatch'>,
  unit: UnitOfWork,
  delegation: LockedDelegation,
  end: DelegationEnd,
): Promise<boolean> {
  if (hasEnded(delegation.status)) return false
  const { id, repository, proxyRunner } = delegation
  const reason = storable(end.reason)
  await unit.trx
    .updateTable('delegations')
    .set({
      status: end.status,
      reason,
      exit_code: end.exitCode ?? null,
      completed_at: unit.now,
      updated_at: unit.now,
    })
    .where('id', '=', id)
    .execute()
  await unit.trx
    .deleteFrom('runners')
    .where('delegation_id', '=', id)
    .where('type', '=', 'ephemeral')
    .execute()
  if (proxyRunner !== null) await restProxy(unit, { name: proxyRunner, repository })
  emitUpdate(unit, delegation, { status: end.status, reason })
  unit.afterCommit(deps.wakeDispatch)
  return true
}

/** The same where nobody waits for the end of its job: whoever has it is told to stop. */
export async function endWithJob(
  deps: Pick<RunnersDeps, 'wakeDispatch' | 'stopJobs'>,
  unit: UnitOfWork,
  delegation: LockedDelegation,
  end: DelegationEnd,
): Promise<boolean> {
  if (!(await endDelegation(deps, unit, delegation, end))) return false
  if (delegation.ledgerJobId === null) return true
  const error = end.reason ?? `The job is ${end.status}`
  const held = await cancelJobs({ unit, owners: {} }, { jobId: delegation.ledgerJobId, error })
  if (held.length > 0) unit.afterCommit(() => deps.stopJobs(held))
  return true
}

/** Tells that a delegation is in another state. */
export function emitUpdate(
  unit: UnitOfWork,
  {
    id,
    repository,
    jobRef,
    runId,
  }: Pick<LockedDelegation, 'id' | 'repository' | 'jobRef' | 'runId'>,
  { status, reason }: { status: DelegationStatus; reason: string | null },
): void {
  unit.emit({
    type: 'runner.job.updated',
    repository,
    runId: null,
    data: { delegation_id: id, repository, job: jobRef, github_run_id: runId, status, reason },
  })
}

/** PostgreSQL stores no NUL, and an error of a container may hold one. */
function storable(text: string | null): string | null {
  return text?.replaceAll('\u0000', '').slice(0, mostReasonLength) ?? null
}
