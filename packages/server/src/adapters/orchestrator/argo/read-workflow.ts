import type { ObservedWorkflow } from '../../../ports/orchestrator.ts'
import { type ArgoWorkflow, managedBy, runLabel } from './argo-workflow.ts'

const mostFailures = 50
const longestMessage = 2_000

const states: Readonly<Record<string, ObservedWorkflow['state']>> = {
  Succeeded: 'succeeded',
  Failed: 'failed',
  Error: 'error',
}

/** How a workflow stands; null: it is not one of ours. */
export function readWorkflow({ metadata, spec, status }: ArgoWorkflow): ObservedWorkflow | null {
  const labels = metadata.labels ?? {}
  const runId = labels[runLabel]
  if (labels[managedBy.name] !== managedBy.value || runId === undefined) return null
  return {
    name: metadata.name,
    runId,
    uid: metadata.uid,
    // A controller that has not seen it yet has said nothing.
    state: states[status?.phase ?? ''] ?? 'running',
    stopping: metadata.deletionTimestamp !== undefined || (spec.shutdown ?? '') !== '',
    message: status?.message === undefined ? null : status.message.slice(0, longestMessage),
    failures: failuresOf(status?.nodes ?? {}),
  }
}

/** Pods that failed: all other nodes fail because of them. Retried ones are among them. */
function failuresOf(
  nodes: NonNullable<NonNullable<ArgoWorkflow['status']>['nodes']>,
): ObservedWorkflow['failures'] {
  return Object.values(nodes)
    .filter(({ type, phase }) => type === 'Pod' && (phase === 'Failed' || phase === 'Error'))
    .slice(-mostFailures)
    .map(({ displayName = '', message = '' }) => ({
      step: displayName,
      message: message.slice(0, longestMessage),
    }))
}
