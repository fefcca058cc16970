import { v7 as uuid } from 'uuid'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type LockedBuild, lockVisibleBuild } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'
import { attemptTimeoutMs } from './step-limits.ts'

/**
 * Hands a pending build to the workers, once: it stays pending until one begins. A build that is not
 * pending, or waits for a worker already, is a `resource_conflict`.
 */
export async function executeBuild(
  deps: Pick<BuildsDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'limits'>,
  input: { principal: Principal; id: number },
): Promise<void> {
  await transact(deps, async (unit) => {
    const build = await lockVisibleBuild(unit.trx, input)
    if (build.status !== 'pending') throw notNow(`The pipeline run is ${build.status}`, build)
    if (build.jobId !== null) throw notNow('The pipeline run waits to be executed already', build)
    await executeWithin({ ...deps, unit }, build)
  })
}

/** The same of a locked build of which that is known, within the caller's transaction. */
export async function executeWithin(
  deps: Pick<BuildsDeps, 'limits'> & { unit: UnitOfWork },
  build: Pick<LockedBuild, 'id' | 'steps'>,
): Promise<void> {
  const { unit, limits } = deps
  const id = uuid()
  unit.enqueue({
    id,
    type: 'build',
    subject: `builds.${build.id}`,
    runId: null,
    payload: { build_id: build.id },
    timeoutMs: attemptTimeoutMs(limits, build.steps),
  })
  await unit.trx.updateTable('builds').set({ job_id: id }).where('id', '=', build.id).execute()
}

/** What a build cannot have done to it as it is: an error of its execution. */
export function notNow(message: string, { status }: Pick<LockedBuild, 'status'>): AppError {
  return new AppError('resource_conflict', message, { status, execution: true })
}
