import { Workflow } from '@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/Workflow'
import { WorkflowTemplate } from '@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/WorkflowTemplate'
import { type ResourceType, resourceType } from './resource-type.ts'

const module = '@kubernetes-models/argo-workflows/argoproj.io/v1alpha1'

/** What Argo Workflows add to a cluster, by their published schemas. */
export const argoResources: readonly ResourceType[] = [
  resourceType(Workflow, `${module}/Workflow`, { plural: 'workflows', subresources: [] }),
  resourceType(WorkflowTemplate, `${module}/WorkflowTemplate`, {
    plural: 'workflowtemplates',
    subresources: [],
  }),
]
