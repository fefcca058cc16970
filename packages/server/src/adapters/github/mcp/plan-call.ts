import type { Tool } from '@modelcontextprotocol/client'

export type Tools = ReadonlyMap<string, Tool>

/** What may be asked by a tool; pages count from 1. */
export type Question =
  | { kind: 'workflows'; page: number; perPage: number }
  | { kind: 'runs'; page: number; perPage: number; event: string | undefined }
  | { kind: 'run'; runId: number }
  | { kind: 'jobs'; runId: number; page: number; perPage: number }
  | { kind: 'artifacts'; runId: number; page: number; perPage: number }
  | {
      kind: 'dispatch'
      workflowId: number
      ref: string
      inputs: Readonly<Record<string, string>>
    }

export interface ToolCall {
  name: string
  arguments: Record<string, unknown>
}

/** The tool of its own that each question has in the older generation; methods of the newer one, too. */
const names = {
  workflows: 'list_workflows',
  runs: 'list_workflow_runs',
  run: 'get_workflow_run',
  jobs: 'list_workflow_jobs',
  artifacts: 'list_workflow_run_artifacts',
  dispatch: 'run_workflow',
} as const

const groups = {
  workflows: 'actions_list',
  runs: 'actions_list',
  run: 'actions_get',
  jobs: 'actions_list',
  artifacts: 'actions_list',
  dispatch: 'actions_run_trigger',
} as const

/**
 * How these tools are asked; null: none of them can be. Both generations may be there: the one that groups
 * its operations comes first.
 */
export function planCall(tools: Tools, repository: string, question: Question): ToolCall | null {
  const [owner = '', repo = ''] = repository.split('/')
  const method = names[question.kind]
  const group = tools.get(groups[question.kind])
  if (group !== undefined && offers(group, method)) {
    const given = { method, owner, repo, ...groupedArguments(group, question) }
    if (takes(group, given)) return { name: group.name, arguments: given }
  }
  const single = tools.get(method)
  if (single === undefined) return null
  const given = { owner, repo, ...singleArguments(single, question) }
  return takes(single, given) ? { name: single.name, arguments: given } : null
}

function groupedArguments(tool: Tool, question: Question): Record<string, unknown> {
  switch (question.kind) {
    case 'workflows': {
      return pageOf(tool, question)
    }
    case 'runs': {
      const { event } = question
      const filter = event === undefined ? {} : { workflow_runs_filter: { event } }
      return { ...pageOf(tool, question), ...filter }
    }
    case 'run': {
      return { resource_id: String(question.runId) }
    }
    case 'jobs': {
      const latest = { workflow_jobs_filter: { filter: 'latest' } }
      return { resource_id: String(question.runId), ...latest, ...pageOf(tool, question) }
    }
    case 'artifacts': {
      return { resource_id: String(question.runId), ...pageOf(tool, question) }
    }
    case 'dispatch': {
      return startOf(question)
    }
  }
}

function singleArguments(tool: Tool, question: Question): Record<string, unknown> {
  switch (question.kind) {
    case 'workflows': {
      return pageOf(tool, question)
    }
    case 'runs': {
      const { event } = question
      return { ...pageOf(tool, question), ...(event === undefined ? {} : { event }) }
    }
    case 'run': {
      return { run_id: question.runId }
    }
    case 'jobs': {
      return { run_id: question.runId, filter: 'latest', ...pageOf(tool, question) }
    }
    case 'artifacts': {
      return { run_id: question.runId, ...pageOf(tool, question) }
    }
    case 'dispatch': {
      return startOf(question)
    }
  }
}

function startOf({ workflowId, ref, inputs }: Question & { kind: 'dispatch' }) {
  return { workflow_id: String(workflowId), ref, inputs: { ...inputs } }
}

/** The generations spell it differently, and so do their releases. */
function pageOf(tool: Tool, { page, perPage }: { page: number; perPage: number }) {
  const size = propertiesOf(tool)['per_page'] === undefined ? 'perPage' : 'per_page'
  return { page, [size]: perPage }
}

/** Whether a tool that groups operations has this one. */
function offers(tool: Tool, method: string): boolean {
  const methods = (propertiesOf(tool)['method'] as { enum?: unknown } | undefined)?.enum
  return Array.isArray(methods) && methods.includes(method)
}

/** Whether it knows all these arguments, and needs no others: a filter that is ignored answers something else. */
function takes(tool: Tool, given: Record<string, unknown>): boolean {
  const known = propertiesOf(tool)
  const required = tool.inputSchema.required ?? []
  return (
    Object.keys(given).every((name) => known[name] !== undefined) &&
    required.every((name) => given[name] !== undefined)
  )
}

function propertiesOf(tool: Tool): Readonly<Record<string, unknown>> {
  return tool.inputSchema.properties ?? {}
}
