import type { NewWorkflow } from '../../../ports/orchestrator.ts'
import { managedBy, runLabel } from './argo-workflow.ts'

export interface WorkflowSettings {
  /** The WorkflowTemplate whose steps dispatch the stages of a run. */
  template: string
  /** Where dispatchers reach this server. */
  serverUrl: string
  /** What dispatchers run; null: what the template says. */
  image: string | null
  /** Name of the Secret that holds their token; null: what the template says. No token is in a workflow. */
  tokenSecret: string | null
}

/** The workflow of a run: its own parameters for the template that has the steps. */
export function makeWorkflow(settings: WorkflowSettings, workflow: NewWorkflow): object {
  const { template, serverUrl, image, tokenSecret } = settings
  const { name, runId, repository, branch, commitSha, triggeredBy } = workflow
  const given = { run: runId, server: serverUrl, image, 'token-secret': tokenSecret }
  const parameters = Object.entries(given).flatMap(([key, value]) =>
    value === null ? [] : [{ name: key, value }],
  )
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: {
      name,
      labels: { [managedBy.name]: managedBy.value, [runLabel]: runId },
      annotations: {
        'slipway.dev/repository': repository,
        'slipway.dev/branch': branch,
        'slipway.dev/commit': commitSha,
        'slipway.dev/triggered-by': triggeredBy,
        'slipway.dev/url': `${serverUrl}/v1/runs/${runId}`,
      },
    },
    spec: { workflowTemplateRef: { name: template }, arguments: { parameters } },
  }
}
