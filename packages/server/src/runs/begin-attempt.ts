import type { StepConfig } from '@slipway/forge'
import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { type UnitOfWork, transact } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import { type JobClaim, holdsJob } from '../jobs/index.ts'
import { advance } from './apply-advance.ts'
import type { RunsDeps } from './deps.ts'
import { type LockedRun, lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'
import { failRunningSteps, writeTasks } from './write-progress.ts'

/** One attempt of a task, as a worker gets it; what its steps are depends on the task's kind. */
export interface Attempt<Step = StepConfig> {
  /** 1 for the first. */
  number: number
  steps: { id: string; logKey: string; step: Step }[]
}

/**
 * Begins an attempt of a task for the worker that holds its job, and hands out the
 * attempt's steps. Later attempts have steps of their own whose logs go on in the same
 * place. A `resource_conflict` when the job is no longer the worker's or the run has ended.
 */
export async function beginAttempt(
  deps: RunsDeps,
  input: { taskId: string; claim: JobClaim },
): Promise<Attempt> {
  const { taskId, claim } = input
  return transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { task: taskId })
    if (run === null || !isActive(run.status) || !(await holdsJob(unit, claim))) {
      throw new AppError('resource_conflict', 'The task is no longer this worker’s')
    }
    const task = await unit.trx
      .selectFrom('tasks')
      .select(['status', 'attempt'])
      .where('id', '=', taskId)
      .where('job_id', '=', claim.id)
      .executeTakeFirst()
    if (task === undefined || (task.status !== 'pending' && task.status !== 'running')) {
      throw new AppError('resource_conflict', 'The task has already ended')
    }
    const number = task.attempt + 1
    if (task.attempt > 0) await repeatSteps(unit, run, taskId, number)
    await unit.trx.updateTable('tasks').set({ attempt: number }).where('id', '=', taskId).execute()
    await unit.trx
      .insertInto('task_attempts')
      .values({ task_id: taskId, attempt: number, worker_id: claim.workerId, started_at: unit.now })
      .execute()
    await writeTasks(unit, run, [{ id: taskId, status: 'running', error: null }])
    if (task.status === 'pending') await advance(deps, unit, run)
    return { number, steps: await stepsOf(unit, taskId, number) }
  })
}

/** The last attempt's running steps were lost with their worker; the new one starts from the beginning. */
async function repeatSteps(
  unit: UnitOfWork,
  run: LockedRun,
  taskId: string,
  attempt: number,
): Promise<void> {
  await failRunningSteps(unit, run, [taskId], 'The worker was lost')
  const steps = await unit.trx
    .selectFrom('steps')
    .select(['position', 'name', 'definition', 'log_key'])
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt - 1)
    .execute()
  await unit.trx
    .insertInto('steps')
    .values(
      steps.map((step) => ({
        ...step,
        definition: JSON.stringify(step.definition),
        id: uuid(),
        run_id: run.id,
        task_id: taskId,
        attempt,
      })),
    )
    .execute()
}

async function stepsOf(
  unit: UnitOfWork,
  taskId: string,
  attempt: number,
): Promise<Attempt['steps']> {
  const { rows } = await sql<Attempt['steps'][number]>`
    select id, log_key as "logKey", definition as step from steps
    where task_id = ${taskId} and attempt = ${attempt} order by position`.execute(unit.trx)
  return rows
}
