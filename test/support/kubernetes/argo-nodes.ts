import type { ArgoNode, ArgoWorkflow } from './argo-types.ts'
import type { ClusterStore } from './cluster-store.ts'

/** One workflow on its way. */
export interface Walk {
  name: string
  uid: string
  /** Its reason is the strategy. */
  shutdown: AbortSignal
  /** The controller is gone. */
  stop: AbortSignal
}

/** What a node came to. */
export interface Outcome {
  phase: 'Succeeded' | 'Failed' | 'Error' | 'Skipped' | 'Omitted'
  message: string
  outputs: Readonly<Record<string, string>>
}

/** Nobody goes on with a workflow: it is gone, or the controller is. */
export class Stopped extends Error {}

/** The nodes of workflows in their status: what a controller knows after its start. */
export function keepNodes({ store, namespace }: { store: ClusterStore; namespace: string }) {
  const current = ({ name, uid }: Walk): ArgoWorkflow => {
    const found = store.find('workflows', namespace, name)
    if (found === null || found.metadata.uid !== uid) throw new Stopped('the workflow is gone')
    return found as ArgoWorkflow
  }
  const change = (walk: Walk, edit: (status: NonNullable<ArgoWorkflow['status']>) => void) => {
    if (walk.stop.aborted) throw new Stopped('the controller was stopped')
    current(walk)
    store.edit('workflows', namespace, walk.name, (object) => {
      const workflow = object as ArgoWorkflow
      workflow.status ??= {}
      edit(workflow.status)
    })
  }
  const now = () => new Date().toISOString()
  const nodeId = (walk: Walk, name: string) => `${walk.name}-${name.replaceAll(/[^\w-]/g, '-')}`
  const nodeOf = (walk: Walk, name: string): ArgoNode | undefined =>
    current(walk).status?.nodes?.[nodeId(walk, name)]
  const mark = (walk: Walk, name: string, node: Partial<ArgoNode> & { type: string }) => {
    change(walk, (status) => {
      const id = nodeId(walk, name)
      const before = status.nodes?.[id]
      const displayName = name.split('.').at(-1) ?? name
      const base = before ?? { id, name, displayName, startedAt: now(), phase: 'Running' }
      status.nodes = { ...status.nodes, [id]: { ...base, ...node } }
    })
  }
  const end = (walk: Walk, name: string, type: string, outcome: Outcome): Outcome => {
    const { phase, message, outputs } = outcome
    const parameters = Object.entries(outputs).map(([key, value]) => ({ name: key, value }))
    mark(walk, name, {
      type,
      phase,
      finishedAt: now(),
      ...(message === '' ? {} : { message }),
      ...(parameters.length === 0 ? {} : { outputs: { parameters } }),
    })
    return outcome
  }
  const finished = (walk: Walk, name: string): Outcome | null => {
    const node = nodeOf(walk, name)
    if (node?.finishedAt === undefined) return null
    const outputs = (node.outputs?.parameters ?? []).map((each) => [each.name, each.value])
    return {
      phase: node.phase as Outcome['phase'],
      message: node.message ?? '',
      outputs: Object.fromEntries(outputs) as Record<string, string>,
    }
  }

  return { current, change, nodeId, mark, end, finished }
}
