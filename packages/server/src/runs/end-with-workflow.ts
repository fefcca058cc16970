import type { RunStatus } from '@slipway/contract/runs'
import { transact } from '../db/unit-of-work.ts'
import { endRun, type RunSnapshot } from './advance-run.ts'
import { applyAdvance } from './apply-advance.ts'
import type { RunsDeps } from './deps.ts'
import { loadSnapshot, lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'

/** How a run ends that its workflow left before its end. */
export type WorkflowEnd =
  | { status: 'failed'; message: string }
  | { status: 'cancelled'; by: string; message: string }

/**
 * Ends a run because nobody will release what is left of it: its workflow has ended. One that has ended
 * itself, or that the server orchestrates, stays as it is. Answers how the run stands then; null: there is none.
 */
export async function endWithWorkflow(
  deps: RunsDeps,
  input: { runId: string; end: WorkflowEnd },
): Promise<RunStatus | null> {
  const { runId, end } = input
  return transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { run: runId })
    if (run === null) return null
    if (!isActive(run.status) || run.orchestrator === 'server') return run.status
    const snapshot = await loadSnapshot(unit.trx, run)
    const runEnd =
      end.status === 'cancelled' ? end : { ...end, failedPhase: phaseUnderWay(snapshot) }
    await applyAdvance(deps, unit, run, endRun(snapshot, runEnd))
    return end.status
  })
}

/** The phase that the run has got to. */
function phaseUnderWay({ phases }: RunSnapshot): string {
  const open = phases.filter(({ status }) => status === 'pending' || status === 'running')
  const [first] = open.toSorted((a, b) => a.group - b.group)
  return first?.name ?? 'discovery'
}
