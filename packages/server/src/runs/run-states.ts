import type { PhaseStatus, RunStatus, WorkStatus } from '@slipway/contract/runs'

/** Where each status may go. A finished status goes nowhere; nothing moves backwards. */
export const runTransitions: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running', 'success', 'failed', 'cancelled'],
  running: ['success', 'failed', 'cancelled'],
  success: [],
  failed: [],
  cancelled: [],
}

export const phaseTransitions: Readonly<Record<PhaseStatus, readonly PhaseStatus[]>> = {
  pending: ['running', 'success', 'failed', 'skipped'],
  running: ['success', 'failed'],
  success: [],
  failed: [],
  skipped: [],
}

/** Of tasks and of steps. One that ends before its start was reported skips `running`. */
const workTransitions: Readonly<Record<WorkStatus, readonly WorkStatus[]>> = {
  pending: ['running', 'success', 'failed'],
  running: ['success', 'failed'],
  success: [],
  failed: [],
}

/** Whether a reported status moves the row, repeats what it says, or contradicts it. */
export function compareWork(from: WorkStatus, to: WorkStatus): 'move' | 'repeat' | 'contradiction' {
  if (from === to) return 'repeat'
  return workTransitions[from].includes(to) ? 'move' : 'contradiction'
}

export function isActive(status: RunStatus): boolean {
  return runTransitions[status].length > 0
}
