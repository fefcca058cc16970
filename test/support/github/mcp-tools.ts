import type { Tool } from '@modelcontextprotocol/server'

/**
 * `single`: a tool for each operation. `grouped`: tools that have a method each. `trimmed`: these, with
 * answers that leave out what models have no use for.
 */
export type McpGeneration = 'single' | 'grouped' | 'trimmed'

const repository = { owner: { type: 'string' }, repo: { type: 'string' } }
const page = { page: { type: 'number' } }

/** The tools that a generation of the official server shows for workflows. */
export function toolsOf(generation: McpGeneration): Tool[] {
  return generation === 'single' ? single : grouped
}

function tool(
  name: string,
  properties: Record<string, object>,
  required: readonly string[] = [],
): Tool {
  return {
    name,
    inputSchema: {
      type: 'object',
      properties: { ...repository, ...properties },
      required: ['owner', 'repo', ...required],
    },
  }
}

const single = [
  tool('list_workflows', { ...page, perPage: { type: 'number' } }),
  tool(
    'list_workflow_runs',
    {
      workflow_id: { type: 'string' },
      event: { type: 'string' },
      ...page,
      perPage: { type: 'number' },
    },
    ['workflow_id'],
  ),
  tool('get_workflow_run', { run_id: { type: 'number' } }, ['run_id']),
  tool(
    'list_workflow_jobs',
    {
      run_id: { type: 'number' },
      filter: { type: 'string' },
      ...page,
      perPage: { type: 'number' },
    },
    ['run_id'],
  ),
  tool(
    'list_workflow_run_artifacts',
    { run_id: { type: 'number' }, ...page, perPage: { type: 'number' } },
    ['run_id'],
  ),
  tool(
    'run_workflow',
    { workflow_id: { type: 'string' }, ref: { type: 'string' }, inputs: { type: 'object' } },
    ['workflow_id', 'ref'],
  ),
]

const grouped = [
  tool(
    'actions_list',
    {
      method: {
        type: 'string',
        enum: [
          'list_workflows',
          'list_workflow_runs',
          'list_workflow_jobs',
          'list_workflow_run_artifacts',
        ],
      },
      resource_id: { type: 'string' },
      workflow_runs_filter: { type: 'object' },
      workflow_jobs_filter: { type: 'object' },
      ...page,
      per_page: { type: 'number' },
    },
    ['method'],
  ),
  tool(
    'actions_get',
    {
      method: { type: 'string', enum: ['get_workflow', 'get_workflow_run', 'get_workflow_job'] },
      resource_id: { type: 'string' },
    },
    ['method', 'resource_id'],
  ),
  tool(
    'actions_run_trigger',
    {
      method: { type: 'string', enum: ['run_workflow', 'cancel_workflow_run'] },
      workflow_id: { type: 'string' },
      ref: { type: 'string' },
      inputs: { type: 'object' },
      run_id: { type: 'number' },
    },
    ['method'],
  ),
]
