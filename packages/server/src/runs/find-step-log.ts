import type { WorkStatus } from '@slipway/contract/runs'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { isActive } from './run-states.ts'

/** Where a step's log is and whether more of it is to come. */
export interface StepLog {
  runId: string
  repository: string
  logKey: string
  status: WorkStatus
  /** The step has ended, or never will begin because its run has. */
  ended: boolean
  /** When retention took the logs of its run; null: it has not. */
  deletedAt: Date | null
}

/** Null when there is no such step. Who may see it is the caller's to check. */
export async function findStepLog(
  deps: { db: Kysely<Tables> },
  input: { stepId: string },
): Promise<StepLog | null> {
  const { rows } = await sql<Omit<StepLog, 'ended'> & { run_status: 'pending' }>`
    select s.run_id as "runId", r.repository, s.log_key as "logKey", s.status, r.status as run_status,
           r.logs_deleted_at as "deletedAt"
    from steps s join runs r on r.id = s.run_id where s.id = ${input.stepId}`.execute(deps.db)
  const [row] = rows
  if (row === undefined) return null
  const { run_status, ...log } = row
  const ended = log.status === 'success' || log.status === 'failed' || !isActive(run_status)
  return { ...log, ended }
}
