import { type BuildStepKey, buildSteps } from '@slipway/contract/builds'

/** Milliseconds that each step of a build may take; whoever runs it ends it then. */
export type StepLimits = Readonly<Record<BuildStepKey, number>>

const minute = 60_000

export const defaultStepLimits: StepLimits = {
  clone_repo: 15 * minute,
  apply_branding: 15 * minute,
  apply_config: 5 * minute,
  create_zip: 30 * minute,
  build_image: 60 * minute,
  push_registry: 30 * minute,
}

/** Between the moment at which a worker has ended a build by itself and the one at which the ledger does. */
const marginMs = 2 * minute

/** Milliseconds until the ledger ends an attempt with these steps. */
export function attemptTimeoutMs(limits: StepLimits, steps: readonly BuildStepKey[]): number {
  return steps.reduce((sum, step) => sum + limits[step], marginMs)
}

/** The same steps, in the order in which they run. */
export function inOrder(steps: readonly BuildStepKey[]): BuildStepKey[] {
  return buildSteps.map(({ key }) => key).filter((key) => steps.includes(key))
}
