import type { DispatchStatus } from '@slipway/contract/dispatches'
import type { RunStatus } from '@slipway/contract/runs'
import { isActive } from '../runs/index.ts'

/**
 * How a stage stands, by its run and by whether the stage itself has succeeded: what has stays so, whatever
 * becomes of the run; what has not ends with the run.
 */
export function judgeStage(facts: { runStatus: RunStatus; succeeded: boolean }): DispatchStatus {
  if (facts.succeeded) return 'success'
  if (isActive(facts.runStatus)) return 'running'
  return facts.runStatus === 'cancelled' ? 'cancelled' : 'failed'
}

/** Added to a stage's time-out: the ledger is to end what takes too long, and say why, before a dispatcher does. */
const marginMs = 120_000

/**
 * Milliseconds after which a stage is to be given up because nothing of it has begun or ended for its
 * time-out: no worker takes it, or the one that has says nothing.
 */
export function remainingMs(input: {
  status: DispatchStatus
  timeoutMs: number
  /** When something of it last began or ended, or it was released. */
  progressAt: Date
  now: Date
}): number {
  if (input.status !== 'running') return 0
  const until = input.progressAt.getTime() + input.timeoutMs + marginMs
  return Math.max(0, until - input.now.getTime())
}
