import { type BuildStepKey, buildSteps } from '@slipway/contract/builds'

/** Milliseconds that each step of a build may take; whoever runs it ends it then. Source: `builds.timeouts`. */
export type StepLimits = Readonly<Record<BuildStepKey, number>>

/** Between the moment at which a worker has ended a build by itself and the one at which the ledger does. */
const marginMs = 120_000

/** Milliseconds until the ledger ends an attempt with these steps. */
export function attemptTimeoutMs(limits: StepLimits, steps: readonly BuildStepKey[]): number {
  return steps.reduce((sum, step) => sum + limits[step], marginMs)
}

/** The same steps, in the order in which they run. */
export function inOrder(steps: readonly BuildStepKey[]): BuildStepKey[] {
  return buildSteps.map(({ key }) => key).filter((key) => steps.includes(key))
}
