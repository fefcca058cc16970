import type { BuildStatus, BuildStepStatus } from '@slipway/contract/builds'

/** Where a build may go. An ended one goes nowhere; another attempt leaves it running. */
export const buildTransitions: Readonly<Record<BuildStatus, readonly BuildStatus[]>> = {
  pending: ['running', 'failed'],
  running: ['completed', 'failed'],
  completed: [],
  failed: [],
}

/** Where a step may go within one attempt; the next attempt begins with new steps. */
export const buildStepTransitions: Readonly<Record<BuildStepStatus, readonly BuildStepStatus[]>> = {
  pending: ['running', 'completed', 'failed', 'skipped'],
  running: ['completed', 'failed'],
  completed: [],
  failed: [],
  skipped: [],
}

export function hasEnded(status: BuildStatus): boolean {
  return buildTransitions[status].length === 0
}

/** What a report about a step means: it moves on, says what is known, or contradicts it. */
export function compareStep(
  from: BuildStepStatus,
  to: BuildStepStatus,
): 'move' | 'repeat' | 'contradiction' {
  if (from === to) return 'repeat'
  return buildStepTransitions[from].includes(to) ? 'move' : 'contradiction'
}

/** What becomes of a step when its build ends. */
export function endedStep(step: BuildStepStatus, build: 'completed' | 'failed'): BuildStepStatus {
  if (buildStepTransitions[step].length === 0) return step
  if (build === 'completed') return 'completed'
  return step === 'running' ? 'failed' : 'skipped'
}
