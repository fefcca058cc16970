import { AppError } from '../../../errors.ts'
import {
  followObjects,
  isGone,
  type Kubernetes,
  KubernetesRefusal,
} from '../../../kubernetes/index.ts'
import {
  type ObservedWorkflow,
  type Orchestrator,
  OrchestratorError,
} from '../../../ports/orchestrator.ts'
import { type ArgoWorkflow, managedBy, workflows, workflowTemplates } from './argo-workflow.ts'
import { makeWorkflow, type WorkflowSettings } from './make-workflow.ts'
import { readWorkflow } from './read-workflow.ts'

/** Changes of a workflow by others, between our look and our word, that are put up with. */
const tries = 5
const checkMs = 5_000

/** Argo Workflows (https://argo-workflows.readthedocs.io), by the API of Kubernetes. */
export function createArgoOrchestrator(
  kubernetes: Kubernetes,
  settings: WorkflowSettings,
): Orchestrator {
  const read = async (name: string, signal: AbortSignal): Promise<ArgoWorkflow | null> => {
    try {
      return await kubernetes.json<ArgoWorkflow>(
        { method: 'GET', resource: workflows, name },
        signal,
      )
    } catch (error) {
      if (isGone(error)) return null
      throw error
    }
  }
  const find = async (name: string, signal: AbortSignal): Promise<ObservedWorkflow | null> => {
    const found = await read(name, signal)
    return found === null ? null : readWorkflow(found)
  }

  return {
    name: 'argo',

    submit: (workflow, signal) =>
      explained(signal, async () => {
        const body = makeWorkflow(settings, workflow)
        try {
          const asked = { method: 'POST', resource: workflows, body } as const
          const { metadata } = await kubernetes.json<ArgoWorkflow>(asked, signal)
          return { uid: metadata.uid }
        } catch (error) {
          if (!isConflict(error)) throw error
          const there = await find(workflow.name, signal)
          if (there?.runId === workflow.runId) return { uid: there.uid }
          const message = `The name ${workflow.name} is taken by something that is not of this run`
          throw new OrchestratorError('refused', message, error)
        }
      }),

    find: (name, signal) => explained(signal, () => find(name, signal)),

    follow: (follower, signal) =>
      followObjects<ArgoWorkflow>(
        kubernetes,
        { resource: workflows, labels: `${managedBy.name}=${managedBy.value}` },
        {
          changed(object) {
            const workflow = readWorkflow(object)
            if (workflow !== null) follower.changed(workflow)
          },
          gone(object) {
            const workflow = readWorkflow(object)
            if (workflow !== null) follower.gone(workflow)
          },
          listed: () => follower.listed(),
          failed: (error) => follower.failed(error),
        },
        signal,
      ),

    terminate: ({ name, uid }, signal) =>
      explained(signal, async () => {
        for (let attempt = 1; ; attempt += 1) {
          const found = await read(name, signal)
          if (found === null || found.metadata.uid !== uid) return
          const { state, stopping } = readWorkflow(found) ?? { state: 'failed', stopping: true }
          if (state !== 'running' || (stopping && found.spec.shutdown === 'Terminate')) return
          const { resourceVersion } = found.metadata
          const body = { metadata: { resourceVersion }, spec: { shutdown: 'Terminate' } }
          try {
            await kubernetes.json({ method: 'PATCH', resource: workflows, name, body }, signal)
            return
          } catch (error) {
            if (isGone(error)) return
            if (!isConflict(error) || attempt === tries) throw error
          }
        }
      }),

    async check() {
      const signal = AbortSignal.timeout(checkMs)
      const asked = { method: 'GET', resource: workflowTemplates, name: settings.template } as const
      await explained(signal, () => kubernetes.json(asked, signal))
    },
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof KubernetesRefusal && error.status === 409
}

/** Tells failures in the words of the port. */
async function explained<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof KubernetesRefusal) {
      const { status, message } = error
      const isPassing = status === 429 || status >= 500 || status === 409
      throw new OrchestratorError(
        isPassing ? 'away' : 'refused',
        `Argo Workflows: ${message}`,
        error,
      )
    }
    if (error instanceof AppError) throw new OrchestratorError('away', error.message, error)
    throw error
  }
}
