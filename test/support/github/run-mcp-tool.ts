import type { McpGeneration } from './mcp-tools.ts'

/** Asks GitHub's API; throws what it refuses. */
export type AskApi = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; data: Record<string, unknown> }>

type Given = Readonly<Record<string, unknown>>

/** What the tool answers, with the arguments of its generation. */
export async function runTool(
  ask: AskApi,
  generation: McpGeneration,
  name: string,
  given: Given,
): Promise<unknown> {
  const isGrouped = generation !== 'single'
  const method = isGrouped ? String(given['method']) : name
  const actions = `/repos/${String(given['owner'])}/${String(given['repo'])}/actions`
  const id = String(isGrouped ? given['resource_id'] : given['run_id'])
  const size = Number(given[isGrouped ? 'per_page' : 'perPage'] ?? 30)
  const paged = `per_page=${size}&page=${Number(given['page'] ?? 1)}`
  const trim = generation === 'trimmed' ? trimmed : (value: unknown) => value
  switch (method) {
    case 'list_workflows': {
      return (await ask('GET', `${actions}/workflows?${paged}`)).data
    }
    case 'list_workflow_runs': {
      if (!isGrouped) throw new Error('the stand-in lists no runs of a single workflow')
      const { event } = (given['workflow_runs_filter'] ?? {}) as { event?: string }
      const only = event === undefined ? '' : `&event=${event}`
      const { data } = await ask('GET', `${actions}/runs?${paged}${only}`)
      return { ...data, workflow_runs: (data['workflow_runs'] as unknown[]).map(trim) }
    }
    case 'get_workflow_run': {
      return trim((await ask('GET', `${actions}/runs/${id}`)).data)
    }
    case 'list_workflow_jobs': {
      const filter = isGrouped
        ? (given['workflow_jobs_filter'] as { filter?: string } | undefined)?.filter
        : given['filter']
      if (filter !== 'latest') throw new Error('the stand-in lists jobs of the newest attempt only')
      const { data: run } = await ask('GET', `${actions}/runs/${id}`)
      const attempt = String(run['run_attempt'])
      const { data } = await ask('GET', `${actions}/runs/${id}/attempts/${attempt}/jobs?${paged}`)
      return { jobs: { ...data, jobs: (data['jobs'] as unknown[]).map(trim) } }
    }
    case 'list_workflow_run_artifacts': {
      return (await ask('GET', `${actions}/runs/${id}/artifacts?${paged}`)).data
    }
    case 'run_workflow': {
      const { workflow_id, ref, inputs } = given
      const path = `${actions}/workflows/${String(workflow_id)}/dispatches`
      const { status } = await ask('POST', path, { ref, inputs })
      return {
        message: 'Workflow run has been queued',
        workflow_id,
        ref,
        inputs,
        status_code: status,
      }
    }
    default: {
      throw new Error(`unknown method: ${method}`)
    }
  }
}

/** Without what newer releases leave out: whose it is, nulls, and most of the people. */
function trimmed(value: unknown): unknown {
  const { repository: _, head_repository: __, actor, head_commit, ...rest } = value as Given
  const login = (actor as { login?: string } | undefined)?.login
  const message = (head_commit as { message?: string } | undefined)?.message
  return Object.fromEntries(
    Object.entries({
      ...rest,
      ...(login === undefined ? {} : { actor: { login } }),
      ...(message === undefined ? {} : { head_commit: { message } }),
    }).filter(([, one]) => one !== null),
  )
}
