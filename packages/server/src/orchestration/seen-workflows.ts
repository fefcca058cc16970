import type { ObservedWorkflow } from '../ports/orchestrator.ts'

/** What is known of the workflows that there are. */
export interface SeenWorkflows {
  changed(workflow: ObservedWorkflow): void
  gone(workflow: ObservedWorkflow): void
  listed(): void
  get(name: string): ObservedWorkflow | 'absent' | 'unknown'
}

export function createSeenWorkflows(): SeenWorkflows {
  const known = new Map<string, ObservedWorkflow>()
  let isComplete = false
  return {
    changed: (workflow) => void known.set(workflow.name, workflow),
    gone({ name, uid }) {
      // The next one of the name may have been told before the end of this one.
      if (known.get(name)?.uid === uid) known.delete(name)
    },
    listed() {
      isComplete = true
    },
    get: (name) => known.get(name) ?? (isComplete ? 'absent' : 'unknown'),
  }
}
