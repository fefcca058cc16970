import type { UnitOfWork } from '../../db/unit-of-work.ts'
import type { Duty } from '../../duties/index.ts'
import type { GitHubActions } from '../../ports/github-actions.ts'
import type { MonitorSource } from '../deps.ts'
import type { WorkflowDispatcher } from '../trigger-pipeline.ts'
import type { IngestDeps } from './deps.ts'
import { startDetecting } from './detect-repositories.ts'
import { createDispatcher } from './dispatch-workflow.ts'
import { createEnsureRepository } from './ensure-repository.ts'
import { startFilling } from './fill-history.ts'
import { startPolling } from './poll-repositories.ts'
import { startPruning } from './prune-runs.ts'
import type { WorkflowDelivery } from './read-workflow-delivery.ts'
import { takeDeliveries } from './take-deliveries.ts'

/** What GitHub's webhook hands to this room. */
export interface WorkflowDeliveries {
  /** Stores what deliveries about one repository say; answers why nothing came of them, or null. */
  take(
    unit: UnitOfWork,
    deliveries: readonly { wanted: WorkflowDelivery; receivedAt: Date }[],
  ): Promise<string | null>
}

/** What fills the store from GitHub. */
export interface Ingest {
  source: MonitorSource
  /** Null: the server has nothing to ask GitHub with. */
  dispatcher: WorkflowDispatcher | null
  /** Null: nothing is watched. */
  deliveries: WorkflowDeliveries | null
  /** Begins to ask GitHub without being asked. */
  start(): RunningIngest
}

export interface RunningIngest {
  /** Never rejects. */
  close(): Promise<void>
}

/** Without `actions` there is what deliveries say, and what is stored already. */
export function openIngest(
  deps: Omit<IngestDeps, 'actions'> & { actions: GitHubActions | null },
): Ingest {
  const { actions, configured } = deps
  const isOff = configured !== null && configured.length === 0
  let duties: Duty[] = []
  let filling: Duty | null = null
  let polling: ReturnType<typeof startPolling> | null = null
  let detecting: ReturnType<typeof startDetecting> | null = null
  const onEnded = () => filling?.wake()
  const asking = actions === null ? null : { ...deps, actions }
  return {
    source: {
      ensureRepository: asking === null ? async () => 'missing' : createEnsureRepository(asking),
      isAway: () => detecting?.isAway ?? false,
    },
    dispatcher:
      asking === null ? null : createDispatcher({ ...asking, hurry: (id) => polling?.hurry(id) }),
    deliveries: isOff
      ? null
      : {
          take(unit, deliveries) {
            unit.afterCommit(() => {
              const now = Date.now()
              for (const { receivedAt } of deliveries) {
                deps.observe.lag(Math.max(0, now - receivedAt.getTime()))
              }
            })
            const told = deliveries.map(({ wanted }) => wanted)
            return takeDeliveries({ configured, onEnded, canAsk: asking !== null }, unit, told)
          },
        },
    start() {
      duties = [startPruning(deps)]
      if (asking !== null) {
        polling = startPolling({ ...asking, onEnded })
        filling = startFilling(asking)
        detecting =
          configured === null ? startDetecting({ ...asking, onFound: () => polling?.wake() }) : null
        duties.push(polling, filling, ...(detecting === null ? [] : [detecting]))
      }
      return {
        async close() {
          await Promise.all(duties.map((duty) => duty.close()))
        },
      }
    },
  }
}
