import { v7 as uuid } from 'uuid'
import { canSee } from '../access/index.ts'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { advance } from './apply-advance.ts'
import { runNotFound } from './cancel-run.ts'
import type { RunsDeps } from './deps.ts'
import { discoveryJob } from './discovery-job.ts'
import { type LockedRun, lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'
import { type Stage, stageName } from './stages.ts'

/**
 * Lets a stage of a run begin as soon as its turn comes, and answers what it can be waited for by. Asking
 * again answers the same. Where the run has ended, or the server orchestrates it by itself, there is nothing
 * to be let go, and the answer is all the same what the stage can be waited for by. Releasing a group
 * releases those before it: none of them could end otherwise, and nor could it.
 *
 * @throws AppError resource_not_found for a run that is not there or not the principal's to see, and for a
 *   group that the run does not have; resource_conflict for a group before the run's discovery has ended
 */
export async function releaseStage(
  deps: RunsDeps,
  input: { principal: Principal; runId: string; stage: Stage },
): Promise<{ id: string; created: boolean }> {
  const { principal, runId, stage } = input
  return transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { run: runId })
    if (run === null || !canSee(principal, run.repository)) throw runNotFound(runId)
    const known = await unit.trx
      .selectFrom('run_dispatches')
      .select('id')
      .where('run_id', '=', run.id)
      .where('stage', '=', stageName(stage))
      .executeTakeFirst()
    if (known !== undefined) return { id: known.id, created: false }
    if (stage.kind === 'group') await requireGroup(unit, run, stage.group)
    const waits = run.orchestrator !== 'server' && isActive(run.status)
    const job = waits && stage.kind === 'discovery' ? discoveryJob(run) : null
    const id = uuid()
    await unit.trx
      .insertInto('run_dispatches')
      .values({
        id,
        run_id: run.id,
        stage: stageName(stage),
        group_number: stage.kind === 'group' ? stage.group : null,
        job_id: job?.id ?? null,
        created_at: unit.now,
      })
      .execute()
    if (job !== null) unit.enqueue(job)
    if (waits && stage.kind === 'group') await releaseGroup(deps, unit, run, stage.group)
    return { id, created: true }
  })
}

async function requireGroup(unit: UnitOfWork, run: LockedRun, group: number): Promise<void> {
  const groups = await unit.trx
    .selectFrom('phases')
    .select('group_number')
    .distinct()
    .where('run_id', '=', run.id)
    .orderBy('group_number')
    .execute()
  if (groups.some(({ group_number }) => group_number === group)) return
  if (groups.length === 0 && isActive(run.status)) {
    throw new AppError(
      'resource_conflict',
      'Which groups the run has is not known before its discovery',
    )
  }
  throw new AppError('resource_not_found', `The run has no phases of group ${group}`, {
    groups: groups.map(({ group_number }) => group_number),
  })
}

async function releaseGroup(
  deps: RunsDeps,
  unit: UnitOfWork,
  run: LockedRun,
  group: number,
): Promise<void> {
  const releasedGroup = Math.max(group, run.releasedGroup ?? 0)
  await unit.trx
    .updateTable('runs')
    .set({ released_group: releasedGroup })
    .where('id', '=', run.id)
    .execute()
  await advance(deps, unit, { ...run, releasedGroup })
}
