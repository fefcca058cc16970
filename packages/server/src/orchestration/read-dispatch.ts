import type { Dispatch } from '@slipway/contract/dispatches'
import type { RunStatus } from '@slipway/contract/runs'
import { sql } from 'kysely'
import { canSee } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { discoveryTimeoutMs } from '../runs/index.ts'
import type { OrchestrationDeps } from './deps.ts'
import { judgeStage, remainingMs } from './judge-stage.ts'

/** A stage that somebody waits for, and its run. */
export interface DispatchRow {
  id: string
  run_id: string
  stage: string
  group_number: number | null
  created_at: Date
  repository: string
  run_status: RunStatus
  commit_sha: string
  message: string | null
  succeeded: boolean
  timeout_ms: number | null
  progress_at: Date | null
}

/** A `resource_not_found` for one that is not of this run, or not the principal's to see. */
export async function readDispatchRow(
  { db }: Pick<OrchestrationDeps, 'db'>,
  input: { principal: Principal; runId: string; id: string },
): Promise<DispatchRow> {
  const { principal, runId, id } = input
  const { rows } = await sql<DispatchRow>`
    select d.id, d.run_id, d.stage, d.group_number, d.created_at,
           r.repository, r.status as run_status, r.commit_sha, r.message,
           case when d.group_number is null
             then exists (select 1 from run_configurations c where c.run_id = d.run_id)
             else (
               select bool_and(p.status = 'success' or (p.status = 'skipped' and not exists (
                 select 1 from tasks t where t.phase_id = p.id)))
               from phases p where p.run_id = d.run_id and p.group_number = d.group_number)
           end as succeeded,
           (select max(p.timeout_ms) from phases p
            where p.run_id = d.run_id and p.group_number = d.group_number) as timeout_ms,
           case when d.group_number is null
             then (select j.started_at from jobs j where j.id = d.job_id)
             else (
               select greatest(max(t.started_at), max(t.completed_at), max(a.started_at))
               from phases p join tasks t on t.phase_id = p.id
               left join task_attempts a on a.task_id = t.id
               where p.run_id = d.run_id and p.group_number <= d.group_number)
           end as progress_at
    from run_dispatches d join runs r on r.id = d.run_id
    where d.id = ${id}::uuid and d.run_id = ${runId}::uuid`.execute(db)
  const [row] = rows
  if (row === undefined || !canSee(principal, row.repository)) {
    throw new AppError('resource_not_found', `There is no dispatch ${id} of run ${runId}`)
  }
  return row
}

/** How a dispatch stands, without its result. */
export function describeDispatch(row: DispatchRow, now: Date): Dispatch {
  const status = judgeStage({ runStatus: row.run_status, succeeded: row.succeeded })
  const timeoutMs = row.timeout_ms ?? discoveryTimeoutMs
  const progressAt =
    row.progress_at !== null && row.progress_at > row.created_at ? row.progress_at : row.created_at
  return {
    id: row.id,
    run_id: row.run_id,
    stage: row.stage,
    status,
    created_at: row.created_at.toISOString(),
    timeout_seconds: Math.ceil(timeoutMs / 1000),
    remaining_seconds: remainingMs({ status, timeoutMs, progressAt, now }) / 1000,
  }
}
