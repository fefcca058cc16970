import type { ClusterObject } from './cluster-object.ts'
import type { ClusterStore } from './cluster-store.ts'
import { fillIn } from './argo-language.ts'

export interface ArgoParameter {
  name: string
  value?: string
}

export interface ArgoTemplate {
  name: string
  inputs?: { parameters?: ArgoParameter[] } | undefined
  outputs?: { parameters?: { name: string; valueFrom: { path: string } }[] }
  retryStrategy?: { limit: string; expression: string }
  dag?: {
    tasks: {
      name: string
      template: string
      depends?: string
      when?: string
      arguments?: { parameters?: ArgoParameter[] }
    }[]
  }
  container?: {
    command: string[]
    args?: string[]
    env?: {
      name: string
      value?: string
      valueFrom?: { secretKeyRef?: { name: string; key: string } }
    }[]
    volumeMounts?: { name: string; mountPath: string }[]
  }
}

export interface ArgoNode {
  id: string
  name: string
  displayName: string
  type: string
  templateName?: string
  phase?: string
  message?: string
  startedAt?: string
  finishedAt?: string
  outputs?: { parameters?: { name: string; value: string }[] }
}

interface WorkflowSpec {
  entrypoint?: string
  onExit?: string
  shutdown?: string
  arguments?: { parameters?: ArgoParameter[] }
  templates?: ArgoTemplate[]
  workflowTemplateRef?: { name: string }
}

export interface ArgoWorkflow extends ClusterObject {
  spec: WorkflowSpec & Record<string, unknown>
  status?: Record<string, unknown> & {
    phase?: string
    message?: string
    startedAt?: string
    finishedAt?: string
    nodes?: Record<string, ArgoNode>
  }
}

/** What a workflow does, with what its template says. */
export function readSpec(
  store: ClusterStore,
  namespace: string,
  { spec }: ArgoWorkflow,
):
  | { problem: string }
  | {
      entrypoint: string
      onExit: string | undefined
      parameters: Record<string, string>
      templates: Map<string, ArgoTemplate>
    } {
  const reference = spec.workflowTemplateRef?.name
  const template =
    reference === undefined ? null : store.find('workflowtemplates', namespace, reference)
  if (reference !== undefined && template === null) {
    return { problem: `workflowtemplates.argoproj.io "${reference}" not found` }
  }
  const base = (template?.spec ?? {}) as WorkflowSpec
  const given = [...(base.arguments?.parameters ?? []), ...(spec.arguments?.parameters ?? [])]
  const parameters: Record<string, string> = {}
  for (const { name, value } of given) {
    if (value !== undefined) parameters[`workflow.parameters.${name}`] = value
  }
  const without = given.find(({ name }) => parameters[`workflow.parameters.${name}`] === undefined)
  if (without !== undefined) {
    return { problem: `spec.arguments.${without.name}.value is required` }
  }
  const all = [...(base.templates ?? []), ...(spec.templates ?? [])]
  const onExit = spec.onExit ?? base.onExit
  return {
    entrypoint: fillIn(spec.entrypoint ?? base.entrypoint ?? '', parameters),
    onExit,
    parameters,
    templates: new Map(all.map((each) => [each.name, each])),
  }
}
