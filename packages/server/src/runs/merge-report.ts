import type { WorkStatus } from '@slipway/contract/runs'
import { AppError } from '../errors.ts'
import { compareWork } from './run-states.ts'
import type { StepReport, WorkReport } from './work-report.ts'
import type { StepChange } from './write-progress.ts'

export interface TaskRow {
  status: WorkStatus
  error: string | null
  attempt: number
  job_id: string | null
}

export interface StepRow {
  id: string
  name: string
  status: WorkStatus
  exitCode: number | null
  error: string | null
  logKey: string | null
}

/**
 * What a report changes of a step; null when it says nothing new. A finished step may still be
 * given the exit code it lacks, never another one.
 */
export function mergeStepReport(step: StepRow, report: StepReport): StepChange | null {
  const known = { step: step.name, status: step.status, exit_code: step.exitCode }
  if (compareWork(step.status, report.status) === 'contradiction') {
    throw new AppError('resource_conflict', `Step ${step.name} is already ${step.status}`, known)
  }
  const exitCode = report.exitCode ?? null
  if (exitCode !== null && step.exitCode !== null && exitCode !== step.exitCode) {
    throw new AppError(
      'resource_conflict',
      `Step ${step.name} has already exited with ${step.exitCode}`,
      known,
    )
  }
  if (report.status === 'success' && exitCode !== null && exitCode !== 0) {
    throw new AppError(
      'resource_conflict',
      `A step that exits with ${exitCode} has not succeeded`,
      known,
    )
  }
  const change = {
    id: step.id,
    status: report.status,
    exitCode: exitCode ?? step.exitCode,
    error: report.error ?? step.error,
    logKey: report.logKey ?? step.logKey,
  }
  const same =
    change.status === step.status &&
    change.exitCode === step.exitCode &&
    change.error === step.error &&
    change.logKey === step.logKey
  return same ? null : change
}

/**
 * What becomes of a task by what its steps are now and what is said of it; null when nothing does.
 * Whoever says that it is running says that there is more to come: the steps do not end it then.
 */
export function taskStatusAfter(
  task: TaskRow,
  steps: readonly StepRow[],
  said: WorkReport['task'],
): { status: Exclude<WorkStatus, 'pending'>; error: string | null } | null {
  if (said !== undefined) {
    if (compareWork(task.status, said.status) === 'contradiction') {
      throw new AppError('resource_conflict', `The task is already ${task.status}`, {
        status: task.status,
      })
    }
    if (said.status === 'success') requireAllSucceeded(steps)
  }
  const status = said === undefined ? derivedStatus(steps) : said.status
  if (status === undefined || compareWork(task.status, status) !== 'move') return null
  return { status, error: status === 'failed' ? (said?.error ?? failureOf(steps)) : null }
}

function derivedStatus(steps: readonly StepRow[]): Exclude<WorkStatus, 'pending'> | undefined {
  if (steps.length > 0 && steps.every(({ status }) => status === 'success')) return 'success'
  if (steps.some(({ status }) => status === 'running')) return 'running'
  if (steps.some(({ status }) => status === 'failed')) return 'failed'
  return steps.some(({ status }) => status === 'success') ? 'running' : undefined
}

function requireAllSucceeded(steps: readonly StepRow[]): void {
  const others = steps.filter(({ status }) => status !== 'success')
  if (others.length === 0) return
  throw new AppError('resource_conflict', 'A task succeeds only when all of its steps have', {
    steps: others.map(({ name, status }) => ({ name, status })),
  })
}

function failureOf(steps: readonly StepRow[]): string {
  const step = steps.find(({ status }) => status === 'failed')
  if (step === undefined) return 'The task failed'
  const why = step.error ?? (step.exitCode === null ? 'failed' : `exited with ${step.exitCode}`)
  return `step ${step.name} ${why}`
}
