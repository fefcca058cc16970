import type { DiscoveryJob, TaskJob } from '@slipway/contract/jobs'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { advance } from './apply-advance.ts'
import { failDiscovery } from './complete-discovery.ts'
import type { RunsDeps } from './deps.ts'
import { lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'
import { failRunningSteps, writeTasks } from './write-progress.ts'

/** A discovery job ended without a result: too slow, or its workers were lost. */
export async function endLostDiscovery(
  deps: RunsDeps,
  unit: UnitOfWork,
  input: { payload: DiscoveryJob; reason: string },
): Promise<void> {
  const run = await lockRun(unit.trx, { run: input.payload.run_id })
  if (run === null || !isActive(run.status)) return
  await failDiscovery(deps, unit, run, { message: `Discovery failed: ${input.reason}` })
}

/** A task's job ended without the task: too slow, or its workers were lost. */
export async function endLostTask(
  deps: RunsDeps,
  unit: UnitOfWork,
  input: { payload: TaskJob; reason: string },
): Promise<void> {
  const taskId = input.payload.task_id
  const run = await lockRun(unit.trx, { task: taskId })
  if (run === null || !isActive(run.status)) return
  const task = await unit.trx
    .selectFrom('tasks')
    .select('status')
    .where('id', '=', taskId)
    .executeTakeFirst()
  if (task === undefined || task.status === 'success' || task.status === 'failed') return
  await failRunningSteps(unit, run, [taskId], input.reason)
  await writeTasks(unit, run, [{ id: taskId, status: 'failed', error: input.reason }])
  await advance(deps, unit, run)
}

/** A task's worker was lost; another attempt will follow. */
export async function recordLostAttempt(
  unit: UnitOfWork,
  input: { payload: TaskJob; reason: string },
): Promise<void> {
  await unit.trx
    .updateTable('task_attempts')
    .set({ ended_at: unit.now, outcome: 'lost', error: input.reason })
    .where('task_id', '=', input.payload.task_id)
    .where('ended_at', 'is', null)
    .execute()
}
