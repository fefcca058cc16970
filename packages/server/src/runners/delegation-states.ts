import type { DelegationStatus } from '@slipway/contract/delegations'

/**
 * Where a delegation may go: forward only. Reports come late or get lost, so a state may be left out; none
 * is ever returned to, and an ended one goes nowhere.
 */
export const delegationTransitions: Readonly<
  Record<DelegationStatus, readonly DelegationStatus[]>
> = {
  queued: ['assigned', 'running', 'completed', 'failed', 'cancelled'],
  assigned: ['running', 'completed', 'failed', 'cancelled'],
  running: ['completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
}

export function hasEnded(status: DelegationStatus): boolean {
  return delegationTransitions[status].length === 0
}

/** What a report means: it moves the delegation on, says what is known, or contradicts it. */
export function compareStatus(
  from: DelegationStatus,
  to: DelegationStatus,
): 'move' | 'repeat' | 'contradiction' {
  if (from === to) return 'repeat'
  return delegationTransitions[from].includes(to) ? 'move' : 'contradiction'
}
