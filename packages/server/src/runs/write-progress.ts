import type { PhaseStatus, WorkStatus } from '@slipway/contract/runs'
import { type RawBuilder, sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import type { LockedRun } from './run-rows.ts'

// Every change of a phase, task or step goes through here, so that none is without its event.
// The caller holds the run's lock and has checked the transition.

export async function writePhases(
  unit: UnitOfWork,
  run: LockedRun,
  changes: readonly { id: string; status: PhaseStatus }[],
): Promise<void> {
  if (changes.length === 0) return
  const { rows } = await sql<{
    id: string
    name: string
    group_number: number
    status: PhaseStatus
  }>`
    update phases p set
      status = u.status,
      started_at = case when u.status = 'skipped' then p.started_at
                        else coalesce(p.started_at, ${unit.now}::timestamptz) end,
      completed_at = case when u.status = 'running' then null else ${unit.now}::timestamptz end
    from unnest(${column(changes, 'id')}::uuid[], ${column(changes, 'status')}::text[]) u (id, status)
    where p.id = u.id
    returning p.id, p.name, p.group_number, p.status`.execute(unit.trx)
  for (const row of rows) {
    unit.emit({
      type: 'pipeline.phase.updated',
      repository: run.repository,
      runId: run.id,
      data: {
        run_id: run.id,
        repository: run.repository,
        phase_id: row.id,
        phase: row.name,
        group_number: row.group_number,
        status: row.status,
      },
    })
  }
}

export async function writeTasks(
  unit: UnitOfWork,
  run: LockedRun,
  changes: readonly { id: string; status: WorkStatus; error: string | null }[],
): Promise<void> {
  if (changes.length === 0) return
  const { rows } = await sql<{
    id: string
    project: string
    phase: string
    status: WorkStatus
    attempt: number
  }>`
    update tasks t set
      status = u.status,
      error = u.error,
      started_at = coalesce(t.started_at, ${unit.now}::timestamptz),
      completed_at = case when u.status = 'running' then null else ${unit.now}::timestamptz end
    from unnest(${column(changes, 'id')}::uuid[], ${column(changes, 'status')}::text[],
                ${column(changes, 'error')}::text[]) u (id, status, error)
    join tasks old on old.id = u.id join phases p on p.id = old.phase_id
    where t.id = u.id
    returning t.id, t.project_name as project, p.name as phase, t.status, t.attempt`.execute(
    unit.trx,
  )
  for (const row of rows) {
    unit.emit({
      type: 'pipeline.task.updated',
      repository: run.repository,
      runId: run.id,
      data: {
        run_id: run.id,
        repository: run.repository,
        phase: row.phase,
        task_id: row.id,
        project: row.project,
        status: row.status,
        attempt: row.attempt,
      },
    })
  }
  const ended = rows.filter(({ status }) => status === 'success' || status === 'failed')
  if (ended.length > 0) await endAttempts(unit, ended)
}

/** Closes the newest attempt of tasks that have ended. */
async function endAttempts(unit: UnitOfWork, tasks: readonly { id: string }[]): Promise<void> {
  await sql`
    update task_attempts a set ended_at = ${unit.now}, outcome = t.status, error = t.error
    from tasks t
    where t.id = any(${column(tasks, 'id')}::uuid[])
      and a.task_id = t.id and a.attempt = t.attempt and a.ended_at is null`.execute(unit.trx)
}

export interface StepChange {
  id: string
  status: WorkStatus
  exitCode: number | null
  error: string | null
  /** Where the log is, when it is not where it was planned to be. */
  logKey: string | null
}

export async function writeSteps(
  unit: UnitOfWork,
  run: LockedRun,
  changes: readonly StepChange[],
): Promise<void> {
  if (changes.length === 0) return
  await updateSteps(
    unit,
    run,
    sql`
      status = u.status, exit_code = u.exit_code, error = u.error,
      log_key = coalesce(u.log_key, s.log_key),
      started_at = coalesce(s.started_at, ${unit.now}::timestamptz),
      completed_at = case when u.status = 'running' then null else ${unit.now}::timestamptz end
    from unnest(${column(changes, 'id')}::uuid[], ${column(changes, 'status')}::text[],
                ${column(changes, 'exitCode')}::int[], ${column(changes, 'error')}::text[],
                ${column(changes, 'logKey')}::text[]) u (id, status, exit_code, error, log_key)
    join steps old on old.id = u.id join tasks t on t.id = old.task_id join phases p on p.id = t.phase_id
    where s.id = u.id`,
  )
}

/** Ends as failed whatever step of these tasks is running. */
export async function failRunningSteps(
  unit: UnitOfWork,
  run: LockedRun,
  taskIds: readonly string[],
  error: string,
): Promise<void> {
  if (taskIds.length === 0) return
  await updateSteps(
    unit,
    run,
    sql`
      status = 'failed', error = ${error}, completed_at = ${unit.now}
    from tasks t join phases p on p.id = t.phase_id
    where t.id = any(${taskIds}::uuid[]) and s.task_id = t.id and s.status = 'running'`,
  )
}

/** `change` begins behind SET and names the step `s`, its task `t` and its phase `p`. */
async function updateSteps(
  unit: UnitOfWork,
  run: LockedRun,
  change: RawBuilder<unknown>,
): Promise<void> {
  const { rows } = await sql<{
    id: string
    name: string
    status: WorkStatus
    exit_code: number | null
    task_id: string
    project: string
    phase: string
  }>`
    update steps s set ${change}
    returning s.id, s.name, s.status, s.exit_code, t.id as task_id, t.project_name as project,
              p.name as phase`.execute(unit.trx)
  for (const row of rows) {
    unit.emit({
      type: 'pipeline.step.updated',
      repository: run.repository,
      runId: run.id,
      data: {
        run_id: run.id,
        repository: run.repository,
        phase: row.phase,
        project: row.project,
        task_id: row.task_id,
        step_id: row.id,
        step: row.name,
        status: row.status,
        exit_code: row.exit_code,
      },
    })
  }
}

/** One field of every row: PostgreSQL takes columns as arrays. */
function column<Row, Key extends keyof Row>(rows: readonly Row[], key: Key): Row[Key][] {
  return rows.map((row) => row[key])
}
