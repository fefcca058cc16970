import { type BuildFailureReason, type BuildStepKey, buildSteps } from '@slipway/contract/builds'
import { inSpan } from '../../correlation.ts'
import type { Note } from './clone/deps.ts'

/** Milliseconds that each step may take. */
export type StepTimeouts = Readonly<Record<BuildStepKey, number>>

/** Why the steps came to nothing. */
export interface StepFailure {
  reason: Extract<BuildFailureReason, 'step_failed' | 'timeout'>
  /** For people. */
  error: string
}

/**
 * Runs steps one after the other, in the given order, and says so in the log, in the words of the
 * documents. The first failure ends it, and is answered; null: all are done. Rejects with the reason of
 * `signal` when that aborts, and with whatever the log rejects with.
 */
export async function runSteps(
  input: {
    steps: readonly BuildStepKey[]
    timeouts: StepTimeouts
    note: Note
    /** What is told of a step; the failure of one is left to whoever gets the answer. */
    report: (step: BuildStepKey, status: 'running' | 'completed') => void
    run: (step: BuildStepKey, signal: AbortSignal) => Promise<void>
    /** What a failure means to people, in one sentence. */
    explain: (error: unknown) => string
  },
  signal: AbortSignal,
): Promise<StepFailure | null> {
  const { steps, note, report } = input
  await note('Starting pipeline execution...')
  for (const step of steps) {
    signal.throwIfAborted()
    await note(`Executing step: ${stepName(step)}`)
    report(step, 'running')
    const failure = await runStep(input, step, signal)
    if (failure !== null) {
      await note(`✗ Step failed: ${stepName(step)}: ${failure.error}`)
      return failure
    }
    report(step, 'completed')
    await note(`✓ Step completed: ${stepName(step)}`)
  }
  return null
}

async function runStep(
  { timeouts, run, explain }: Parameters<typeof runSteps>[0],
  step: BuildStepKey,
  signal: AbortSignal,
): Promise<StepFailure | null> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new Error('the step is late')), timeouts[step])
  try {
    const stopped = AbortSignal.any([signal, late.signal])
    await inSpan(`build step ${step}`, {}, () => run(step, stopped))
    return null
  } catch (error) {
    signal.throwIfAborted()
    if (!late.signal.aborted) return { reason: 'step_failed', error: explain(error) }
    return {
      reason: 'timeout',
      error: `It took longer than the ${timeouts[step] / 1000} s that it may take`,
    }
  } finally {
    clearTimeout(timer)
  }
}

function stepName(key: BuildStepKey): string {
  return buildSteps.find((step) => step.key === key)?.name ?? key
}
