import type { UnitOfWork } from '../db/unit-of-work.ts'
import { cancelJobs } from '../jobs/index.ts'
import { type RunAdvance, type RunEnd, advanceRun } from './advance-run.ts'
import type { RunsDeps } from './deps.ts'
import { dispatchTasks } from './dispatch-tasks.ts'
import { type LockedRun, loadSnapshot } from './run-rows.ts'
import { failRunningSteps, writePhases, writeTasks } from './write-progress.ts'

/** Decides what comes next in a locked run and writes it. */
export async function advance(deps: RunsDeps, unit: UnitOfWork, run: LockedRun): Promise<void> {
  await applyAdvance(deps, unit, run, advanceRun(await loadSnapshot(unit.trx, run)))
}

/** Writes a decision about a locked run: rows, jobs and events of one transaction. */
export async function applyAdvance(
  deps: RunsDeps,
  unit: UnitOfWork,
  run: LockedRun,
  decision: RunAdvance,
): Promise<void> {
  await writePhases(unit, run, decision.phases)
  if (decision.dispatch.length > 0) await dispatchTasks(unit, run, decision.dispatch)
  if (decision.run === null) return
  if (decision.run.status === 'running') {
    await beginRun(unit, run)
    return
  }
  await haltTasks(unit, run, decision.halt, decision.run)
  await finishRun(deps, unit, run, decision.run)
}

async function beginRun(unit: UnitOfWork, run: LockedRun): Promise<void> {
  await unit.trx.updateTable('runs').set({ status: 'running' }).where('id', '=', run.id).execute()
  unit.emit({
    type: 'pipeline.run.started',
    repository: run.repository,
    runId: run.id,
    data: { run_id: run.id, repository: run.repository, commit_sha: run.commitSha },
  })
}

async function haltTasks(
  unit: UnitOfWork,
  run: LockedRun,
  taskIds: readonly string[],
  end: RunEnd,
): Promise<void> {
  const error =
    end.status === 'cancelled' ? 'The run was cancelled' : 'Stopped because the run failed'
  await failRunningSteps(unit, run, taskIds, error)
  await writeTasks(
    unit,
    run,
    taskIds.map((id) => ({ id, status: 'failed', error })),
  )
}

async function finishRun(
  deps: RunsDeps,
  unit: UnitOfWork,
  run: LockedRun,
  end: RunEnd,
): Promise<void> {
  await unit.trx
    .updateTable('runs')
    .set({
      status: end.status,
      completed_at: unit.now,
      ...(end.status === 'failed' ? { failed_phase: end.failedPhase } : {}),
      ...(end.message === null ? {} : { message: end.message }),
    })
    .where('id', '=', run.id)
    .execute()
  if (end.status !== 'success') {
    const held = await cancelJobs({ unit, owners: {} }, { runId: run.id })
    if (held.length > 0) unit.afterCommit(() => deps.stopJobs(held))
  }
  announceEnd(unit, run, end)
}

function announceEnd(unit: UnitOfWork, run: LockedRun, end: RunEnd): void {
  const common = { run_id: run.id, repository: run.repository, commit_sha: run.commitSha }
  const about = { repository: run.repository, runId: run.id }
  if (end.status === 'cancelled') {
    const data = { ...common, cancelled_by: end.by }
    unit.emit({ type: 'pipeline.run.cancelled', ...about, data })
    return
  }
  const seconds = Math.round((unit.now.getTime() - run.startedAt.getTime()) / 1000)
  const data = { ...common, status: end.status, duration_seconds: Math.max(0, seconds) }
  unit.emit({ type: 'pipeline.run.completed', ...about, data })
  if (end.status === 'failed') {
    const failure = { ...common, failed_phase: end.failedPhase, error_message: end.message }
    unit.emit({ type: 'pipeline.run.failed', ...about, data: failure })
  }
}
