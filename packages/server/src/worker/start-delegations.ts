import type { JobBus, JobSubscription } from '../ports/job-bus.ts'
import type { DelegationWorkDeps } from './delegation/deps.ts'
import { runDelegation } from './run-delegation.ts'

/** What a worker with containers can do besides. */
export const delegationTypes: readonly string[] = ['delegation']

/** Takes delegations by a subscription of their own: they wait for long, and must not keep runs from it. */
export function startDelegations(
  deps: DelegationWorkDeps & { bus: JobBus },
  input: { capacity: number },
): JobSubscription {
  return deps.bus.subscribe({
    workerId: deps.workerId,
    types: delegationTypes,
    capacity: input.capacity,
    handle: (job, signal) => runDelegation(deps, job, signal),
  })
}
