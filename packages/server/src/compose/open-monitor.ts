import type { Store } from '../open-store.ts'
import { createMemos, type MonitorDeps, type WorkflowDispatcher } from '../monitor/index.ts'

/** What `/api/v2/pipelines` stands on. */
export function openMonitor(store: Store): {
  monitor: MonitorDeps
  dispatcher: WorkflowDispatcher | null
} {
  return {
    monitor: {
      db: store.db,
      memos: createMemos(),
      // Without a credential for GitHub there is what is stored, and nothing else.
      source: { ensureRepository: async () => 'missing', isAway: () => false },
    },
    dispatcher: null,
  }
}
