import type { RunStatus } from '@slipway/contract/runs'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** A run's workflow about which something may have to be done. */
export interface WorkflowRow {
  runId: string
  name: string
  uid: string | null
  state: 'waiting' | 'running'
  message: string | null
  failures: number
  isDue: boolean
  repository: string
  branch: string
  commitSha: string
  triggeredBy: string
  runStatus: RunStatus
  /** Milliseconds since the run's end; 0 before it. */
  endedForMs: number
}

/** Those that are not done with, by the id of their run, behind `after`. */
export async function readOpenWorkflows(
  db: Kysely<Tables>,
  { after, limit }: { after: string; limit: number },
): Promise<WorkflowRow[]> {
  const { rows } = await sql<WorkflowRow>`
    select w.run_id as "runId", w.name, w.uid, w.state, w.message, w.failures,
           w.next_attempt_at <= clock_timestamp() as "isDue",
           r.repository, r.branch, r.commit_sha as "commitSha", r.triggered_by as "triggeredBy",
           r.status as "runStatus",
           coalesce(extract(epoch from clock_timestamp() - r.completed_at) * 1000, 0)::float8 as "endedForMs"
    from run_workflows w join runs r on r.id = w.run_id
    where w.state <> 'ended' and r.orchestrator <> 'server' and w.run_id > ${after}::uuid
    order by w.run_id limit ${limit}`.execute(db)
  return rows
}

/** Notes which workflow it is. */
export async function noteSubmitted(
  db: Kysely<Tables>,
  row: WorkflowRow,
  uid: string,
): Promise<void> {
  await sql`
    update run_workflows
    set state = 'running', uid = ${uid}, message = null, failures = 0, updated_at = clock_timestamp()
    where run_id = ${row.runId}::uuid and state = 'waiting'`.execute(db)
}

/** Says why it waits, or what it says of itself. */
export async function noteMessage(
  db: Kysely<Tables>,
  row: WorkflowRow,
  message: string | null,
): Promise<void> {
  if (message === row.message) return
  await sql`
    update run_workflows set message = ${message}, updated_at = clock_timestamp()
    where run_id = ${row.runId}::uuid and state = ${row.state}`.execute(db)
}

/** Nothing happened that should have: says why, and when it is tried again. */
export async function noteFailure(
  db: Kysely<Tables>,
  row: WorkflowRow,
  { message, againMs }: { message: string; againMs: number },
): Promise<void> {
  await sql`
    update run_workflows
    set message = ${message}, failures = failures + 1, updated_at = clock_timestamp(),
        next_attempt_at = clock_timestamp() + ${againMs}::float8 * interval '1 ms'
    where run_id = ${row.runId}::uuid and state = ${row.state}`.execute(db)
}

/** Nothing is to be done about it any more. */
export async function noteSettled(
  db: Kysely<Tables>,
  row: WorkflowRow,
  message: string | null,
): Promise<void> {
  await sql`
    update run_workflows
    set state = 'ended', message = ${message}, updated_at = clock_timestamp()
    where run_id = ${row.runId}::uuid`.execute(db)
}
