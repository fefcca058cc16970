import type { RunStatus } from '@slipway/contract/runs'
import type { ObservedWorkflow } from '../ports/orchestrator.ts'
import { isActive, type WorkflowEnd } from '../runs/index.ts'
import { describeEnd } from './describe-end.ts'

/** What is known of a run and of the workflow that is to go through it. */
export interface WorkflowFacts {
  run: { status: RunStatus; endedForMs: number }
  /** As it is kept; `uid` is that of the workflow that was submitted. */
  kept: { state: 'waiting' | 'running'; uid: string | null; isDue: boolean }
  /** As it was seen; `absent`: it was looked for and is not there; `unknown`: nobody can tell. */
  seen: ObservedWorkflow | 'absent' | 'unknown'
  /** Whether `seen` is what was asked for just now, and not what changes tell. */
  isFresh: boolean
}

export type WorkflowDecision =
  | { kind: 'nothing' }
  /** Make it. */
  | { kind: 'submit' }
  /** Ask how it stands right now, and decide again. */
  | { kind: 'look' }
  /** It is there: submitted by whoever did not live to say so. */
  | { kind: 'adopt'; uid: string }
  | { kind: 'end run'; end: WorkflowEnd }
  | { kind: 'terminate'; uid: string }
  /** Nothing is to be done about it any more. */
  | { kind: 'settle'; message: string | null }

/** Who ends a run whose workflow somebody stopped. */
const byArgo = 'Argo Workflows'

/** A workflow whose run has ended may take so long to end by itself. */
const lettingEndMs = 600_000

/** What is to be done about a run's workflow. Pure; asking again after doing it comes to an end. */
export function decideWorkflow(facts: WorkflowFacts): WorkflowDecision {
  const { run, kept, seen, isFresh } = facts
  const isGone = seen === 'absent' || (seen !== 'unknown' && isAnother(kept.uid, seen))
  // What changes tell may be older than what was submitted since.
  if (isGone && !isFresh && (kept.state === 'running' || !isActive(run.status))) {
    return { kind: 'look' }
  }
  if (seen !== 'unknown' && seen !== 'absent' && kept.uid === null) {
    return { kind: 'adopt', uid: seen.uid }
  }
  return isActive(run.status) ? decideActive(facts, isGone) : decideEnded(facts, isGone)
}

function decideActive({ kept, seen }: WorkflowFacts, isGone: boolean): WorkflowDecision {
  if (kept.state === 'waiting') return kept.isDue ? { kind: 'submit' } : { kind: 'nothing' }
  if (isGone) {
    const message =
      'The workflow is gone before its run had ended: somebody deleted it, or it had failed and was removed'
    return { kind: 'end run', end: { status: 'cancelled', by: byArgo, message } }
  }
  if (seen === 'unknown' || seen === 'absent') return { kind: 'nothing' }
  if (seen.stopping) {
    const message = 'The workflow was stopped in Argo Workflows'
    return { kind: 'end run', end: { status: 'cancelled', by: byArgo, message } }
  }
  if (seen.state === 'running') return { kind: 'nothing' }
  return { kind: 'end run', end: { status: 'failed', message: describeEnd(endOf(seen)) } }
}

function decideEnded({ run, kept, seen }: WorkflowFacts, isGone: boolean): WorkflowDecision {
  if (isGone) return { kind: 'settle', message: null }
  // It may have been submitted by somebody who did not live to say so.
  if (seen === 'unknown' || seen === 'absent') return { kind: 'nothing' }
  if (seen.state !== 'running') {
    const message = seen.state === 'succeeded' ? null : describeEnd(endOf(seen))
    return { kind: 'settle', message }
  }
  const isLate = run.endedForMs > lettingEndMs
  const stops = run.status === 'cancelled' || isLate
  if (!stops || seen.stopping || kept.uid === null) return { kind: 'nothing' }
  return { kind: 'terminate', uid: kept.uid }
}

/** Whether somebody has put another workflow of that name in the place of the one that was submitted. */
function isAnother(uid: string | null, seen: ObservedWorkflow | 'absent'): boolean {
  return seen !== 'absent' && uid !== null && uid !== seen.uid
}

function endOf({ state, message, failures }: ObservedWorkflow): Parameters<typeof describeEnd>[0] {
  const words = { running: 'Running', succeeded: 'Succeeded', failed: 'Failed', error: 'Error' }
  return { status: words[state], message, failures }
}
