import type { KubernetesObject, Resource } from '../../../kubernetes/index.ts'

const api = 'apis/argoproj.io/v1alpha1'
export const workflows: Resource = { api, plural: 'workflows' }
export const workflowTemplates: Resource = { api, plural: 'workflowtemplates' }

/** Of all workflows that this program makes. */
export const managedBy = { name: 'app.kubernetes.io/managed-by', value: 'slipway' }
/** Holds the id of the run. */
export const runLabel = 'slipway.dev/run'

/** A Workflow of `argoproj.io/v1alpha1`; what is read here. */
export interface ArgoWorkflow extends KubernetesObject {
  spec: { shutdown?: string }
  status?: {
    phase?: string
    message?: string
    nodes?: Record<string, ArgoNode>
  }
}

export interface ArgoNode {
  type?: string
  displayName?: string
  phase?: string
  message?: string
}
