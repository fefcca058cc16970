import type { WorkStatus } from '@slipway/contract/runs'
import { type UnitOfWork, transact } from '../db/unit-of-work.ts'
import { canSee } from '../access/index.ts'
import { AppError } from '../errors.ts'
import { settleForOwner } from '../jobs/index.ts'
import { checkObjectKey } from '../ports/object-key.ts'
import type { Principal } from '../ports/identity.ts'
import { advance } from './apply-advance.ts'
import type { RunsDeps } from './deps.ts'
import { type LockedRun, lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'
import { type StepRow, type TaskRow, mergeStepReport, taskStatusAfter } from './merge-report.ts'
import type { Reported, StepReport, WorkReport } from './work-report.ts'
import { type StepChange, failRunningSteps, writeSteps, writeTasks } from './write-progress.ts'

/**
 * Takes a report about one task. States only move forward; a repeated report changes nothing, one
 * that contradicts what is known, or comes after the run's end, is a `resource_conflict`.
 * A task whose steps have all succeeded has succeeded; one with a failed step and none running has failed.
 * `principal` null is this server's own worker.
 */
export async function reportWork(
  deps: RunsDeps,
  input: { principal: Principal | null; taskId: string; report: WorkReport },
): Promise<void> {
  const { principal, taskId, report } = input
  await transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { task: taskId })
    if (run === null || !mayReport(principal, run))
      throw new AppError('resource_not_found', `There is no task ${taskId}`)
    await applyReport(deps, unit, run, taskId, report)
  })
}

/** `PUT /v1/tasks/{id}/status`. */
export async function reportTaskStatus(
  deps: RunsDeps,
  input: { principal: Principal; taskId: string; status: Reported; error?: string | undefined },
): Promise<{ id: string; status: WorkStatus }> {
  const { principal, taskId, status, error } = input
  await reportWork(deps, { principal, taskId, report: { task: { status, error } } })
  return { id: taskId, status }
}

/** `PUT /v1/steps/{id}/status`. */
export async function reportStepStatus(
  deps: RunsDeps,
  input: { principal: Principal; stepId: string } & Omit<StepReport, 'id'>,
): Promise<{ id: string; status: WorkStatus }> {
  const { principal, stepId, ...step } = input
  await transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { step: stepId })
    const row = await unit.trx
      .selectFrom('steps')
      .select(['task_id', 'attempt'])
      .where('id', '=', stepId)
      .executeTakeFirst()
    if (run === null || row === undefined || !mayReport(principal, run)) {
      throw new AppError('resource_not_found', `There is no step ${stepId}`)
    }
    const report = { attempt: row.attempt, steps: [{ id: stepId, ...step }] }
    await applyReport(deps, unit, run, row.task_id, report)
  })
  return { id: stepId, status: step.status }
}

async function applyReport(
  deps: RunsDeps,
  unit: UnitOfWork,
  run: LockedRun,
  taskId: string,
  report: WorkReport,
): Promise<void> {
  const { task, steps } = await loadTask(unit, taskId)
  if (task.job_id === null) {
    throw new AppError('resource_conflict', 'The task’s turn has not come: its phase has not begun')
  }
  const attempt = Math.max(task.attempt, 1)
  if (report.attempt !== undefined && report.attempt !== attempt) {
    throw new AppError(
      'resource_conflict',
      `Attempt ${report.attempt} has been replaced by ${attempt}`,
      { attempt },
    )
  }
  const changes: StepChange[] = []
  const after = new Map(steps.map((step) => [step.id, step]))
  for (const reported of report.steps ?? []) {
    const step = after.get(reported.id)
    if (step === undefined) {
      throw new AppError('resource_not_found', `There is no step ${reported.id}`)
    }
    requireOwnLog(run, reported)
    const merged = mergeStepReport(step, reported)
    if (merged === null) continue
    changes.push(merged)
    after.set(step.id, { ...step, ...merged })
  }
  const end = taskStatusAfter(task, [...after.values()], report.task)
  if (changes.length === 0 && end === null) return
  if (!isActive(run.status)) {
    throw new AppError('resource_conflict', `The run has already ended as ${run.status}`, {
      run_status: run.status,
    })
  }
  await writeSteps(unit, run, changes)
  if (end === null) return
  if (end.status === 'failed') {
    await failRunningSteps(unit, run, [taskId], end.error ?? 'The task failed')
  }
  await writeTasks(unit, run, [{ id: taskId, ...end }])
  if (end.status !== 'running') {
    const state = end.status === 'success' ? 'succeeded' : 'failed'
    await settleForOwner(unit, { id: task.job_id, state, error: end.error })
  }
  await advance(deps, unit, run)
}

async function loadTask(
  unit: UnitOfWork,
  taskId: string,
): Promise<{ task: TaskRow; steps: StepRow[] }> {
  const task = await unit.trx
    .selectFrom('tasks')
    .select(['status', 'error', 'attempt', 'job_id'])
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow()
  const steps = await unit.trx
    .selectFrom('steps')
    .select(['id', 'name', 'status', 'exit_code as exitCode', 'error', 'log_key as logKey'])
    .where('task_id', '=', taskId)
    .where('attempt', '=', Math.max(task.attempt, 1))
    .orderBy('position')
    .execute()
  return { task, steps }
}

/** What a principal may not see does not exist for it. */
function mayReport(principal: Principal | null, run: LockedRun): boolean {
  return principal === null || canSee(principal, run.repository)
}

/** A step's log lies with its run: another key would show somebody else's to whoever may read this one. */
function requireOwnLog(run: LockedRun, report: StepReport): void {
  const { logKey } = report
  if (logKey === undefined) return
  const message = `must be an object key below pipeline-runs/${run.id}/logs/`
  try {
    checkObjectKey(logKey)
    if (logKey.startsWith(`pipeline-runs/${run.id}/logs/`)) return
  } catch {
    // Said below, with what would be right.
  }
  throw new AppError('invalid_request', `logs_s3_key ${message}`, {
    problems: [{ path: '/logs_s3_key', message }],
  })
}
