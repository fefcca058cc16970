import type { OrchestrationDeps } from '../orchestration/index.ts'

/** What the steps of workflows ask of runs. */
export function openOrchestration(opened: OrchestrationDeps): {
  orchestration: OrchestrationDeps
} {
  return { orchestration: opened }
}
