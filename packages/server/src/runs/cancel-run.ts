import { AppError } from '../errors.ts'
import { canSee } from '../access/index.ts'
import { transact } from '../db/unit-of-work.ts'
import type { Principal } from '../ports/identity.ts'
import { endRun } from './advance-run.ts'
import { applyAdvance } from './apply-advance.ts'
import type { RunsDeps } from './deps.ts'
import { loadSnapshot, lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'

/**
 * Cancels an active run; its processes are stopped right after the commit. Cancelling a
 * cancelled run changes nothing; a run that has ended otherwise is a `resource_conflict`.
 */
export async function cancelRun(
  deps: RunsDeps,
  input: { principal: Principal; runId: string },
): Promise<void> {
  const { principal, runId } = input
  await transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { run: runId })
    if (run === null || !canSee(principal, run.repository)) throw runNotFound(runId)
    if (run.status === 'cancelled') return
    if (!isActive(run.status)) {
      throw new AppError('resource_conflict', `The run has already ended as ${run.status}`, {
        status: run.status,
      })
    }
    const end = {
      status: 'cancelled',
      by: principal.name,
      message: `Cancelled by ${principal.name}`,
    } as const
    await applyAdvance(deps, unit, run, endRun(await loadSnapshot(unit.trx, run), end))
  })
}

export function runNotFound(runId: string): AppError {
  return new AppError('resource_not_found', `There is no run ${runId}`)
}
