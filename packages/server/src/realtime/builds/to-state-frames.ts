import type { BuildFrame } from '@slipway/contract/build-socket'
import type { BuildStepState } from '@slipway/contract/builds'
import type { BuildWithoutLog as Build } from '../../builds/index.ts'

/**
 * What changed of a build for who was told of `before` (null: of nothing), without what belongs to its end:
 * the outputs, the last state and the end itself.
 */
export function toStateFrames(before: Build | null, now: Build): BuildFrame[] {
  // An attempt begins anew with all its steps, which the state says.
  if (before === null || before.attempt !== now.attempt) return [toStatusFrame(now)]
  const known = new Map(before.steps.map((step) => [step.key, step]))
  const steps = now.steps.flatMap((step) => changesOf(known.get(step.key), step))
  const isOther = before.status !== now.status && now.completed_at === null
  return isOther ? [...steps, toStatusFrame(now)] : steps
}

export function toStatusFrame(build: Build): BuildFrame {
  return { type: 'status', pipeline_run: build }
}

function changesOf(before: BuildStepState | undefined, step: BuildStepState): BuildFrame[] {
  if (before?.status === step.status && before.progress === step.progress) return []
  const { key, status, progress } = step
  const now: BuildFrame = { type: 'step', key, status, progress }
  // It was quicker than who looks at it.
  const hasRun = before?.status === 'pending' && (status === 'completed' || status === 'failed')
  return hasRun ? [{ type: 'step', key, status: 'running', progress: null }, now] : [now]
}
