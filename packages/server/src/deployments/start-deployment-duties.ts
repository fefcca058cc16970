import { startDuty } from '../duties/index.ts'
import type { EventConsumerDeps } from '../events/index.ts'
import type { Reconciler } from '../ports/reconciler.ts'
import { startAutomaticDeployment } from './deploy-automatically.ts'
import type { DeploymentsDeps } from './deps.ts'
import { createReconciliation, type ReconcileTimes } from './reconcile-deployments.ts'
import { settleDeployments } from './settle-deployments.ts'

export interface DeploymentDuties {
  /** Looks at once at what is pending or left over. */
  wake(): void
  close(): Promise<void>
}

/** What one server at a time does about deployments: settle what was interrupted, reconcile, deploy unasked. */
export function startDeploymentDuties(
  deps: DeploymentsDeps & EventConsumerDeps & { reconciler: Reconciler | null },
  times: ReconcileTimes,
): DeploymentDuties {
  const reconcile = createReconciliation(deps, times)
  const duties = [
    startDuty(deps, {
      name: 'deployments: settle',
      everyMs: 5_000,
      run: (signal) => settleDeployments(deps, signal),
    }),
    startDuty(deps, { name: 'deployments: reconcile', everyMs: 2_000, run: reconcile }),
    startAutomaticDeployment(deps),
  ]
  return {
    wake: () => duties.slice(0, 2).forEach((duty) => duty.wake()),
    async close() {
      await Promise.all(duties.map((duty) => duty.close()))
    },
  }
}
