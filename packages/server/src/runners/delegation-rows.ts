import type { DelegatedJob, DelegationStatus } from '@slipway/contract/delegations'
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import { canSee } from '../access/index.ts'
import type { DelegationsTable, Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

export type DelegationRow = Selectable<DelegationsTable>

/** A delegation whose row this transaction holds: nobody else changes anything of it meanwhile. */
export interface LockedDelegation {
  id: string
  repository: string
  jobRef: string
  runId: string
  status: DelegationStatus
  reason: string | null
  proxyRunner: string | null
  proxyStatus: string | null
  runnerId: string | null
  containerId: string | null
  /** The job of the ledger that its container is looked after by; null: others report it. */
  ledgerJobId: string | null
  attempt: number
  startedAt: Date | null
  /** When something was last heard of it. */
  updatedAt: Date
}

/** Locks the delegation, by its own id or by that of its ledger's job. Null when there is none. */
export async function lockDelegation(
  trx: Transaction<Tables>,
  by: { delegation: string } | { job: string },
): Promise<LockedDelegation | null> {
  const which =
    'delegation' in by ? sql`id = ${by.delegation}::uuid` : sql`ledger_job_id = ${by.job}::uuid`
  const { rows } = await sql<LockedDelegation>`
    select id, repository, job_ref as "jobRef", github_run_id as "runId", status, reason,
           proxy_runner as "proxyRunner", proxy_status as "proxyStatus", runner_id as "runnerId",
           container_id as "containerId", ledger_job_id as "ledgerJobId", attempt,
           started_at as "startedAt", updated_at as "updatedAt"
    from delegations where ${which} for update`.execute(trx)
  return rows[0] ?? null
}

/** Locks a delegation that the principal may see; `resource_not_found` otherwise. */
export async function lockVisibleDelegation(
  trx: Transaction<Tables>,
  input: { principal: Principal; id: string },
): Promise<LockedDelegation> {
  const row = await lockDelegation(trx, { delegation: input.id })
  if (row === null || !canSee(input.principal, row.repository)) throw noSuchJob(input.id)
  return row
}

/** The row of a delegation that the principal may see; `resource_not_found` otherwise. */
export async function findDelegation(
  { db }: { db: Kysely<Tables> },
  input: { principal: Principal; id: string },
): Promise<DelegationRow> {
  const row = await db
    .selectFrom('delegations')
    .selectAll()
    .where('id', '=', input.id)
    .executeTakeFirst()
  if (row === undefined || !canSee(input.principal, row.repository)) throw noSuchJob(input.id)
  return row
}

/** A delegation that the principal may see, as it is shown. */
export async function getDelegation(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; id: string },
): Promise<DelegatedJob> {
  return toDelegatedJob(await findDelegation(deps, input))
}

function noSuchJob(id: string): AppError {
  return new AppError('resource_not_found', `There is no job ${id}`)
}

export function toDelegatedJob(row: DelegationRow): DelegatedJob {
  return {
    id: row.id,
    githubJobId: row.github_job_id,
    jobId: row.job_name ?? row.job_ref,
    runId: row.github_run_id,
    runAttempt: row.run_attempt,
    repository: row.repository,
    workflow: row.workflow,
    runnerName: row.proxy_runner,
    status: row.status,
    runnerId: row.runner_id,
    containerId: row.container_id,
    labels: row.labels,
    sha: row.sha,
    ref: row.ref,
    eventName: row.event_name,
    actor: row.actor,
    exitCode: row.exit_code,
    startedAt: row.started_at?.toISOString() ?? null,
    completedAt: row.completed_at?.toISOString() ?? null,
    metadata: {
      delegatedAt: row.created_at.toISOString(),
      proxyRunner: row.proxy_runner,
      source: row.source,
      runnerClass: row.class,
      reason: row.reason,
      queuedAt: row.queued_at.toISOString(),
      assignedAt: row.assigned_at?.toISOString() ?? null,
      // The clock of who queued it is not ours.
      queueMs:
        row.started_at === null
          ? null
          : Math.max(0, row.started_at.getTime() - row.queued_at.getTime()),
      proxyStatus: row.proxy_status,
      attempt: row.attempt,
    },
  }
}
