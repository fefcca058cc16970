import type { TriggerPipelineRequest, TriggerPipelineResponse } from '@slipway/contract/pipelines'
import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import { refNameProblem } from '../git/index.ts'
import { GitHubError } from '../ports/github.ts'
import type { GitHubActions, Workflow } from '../ports/github-actions.ts'
import type { Principal } from '../ports/identity.ts'
import { freshMs, type MonitorDeps } from './deps.ts'
import { matchWorkflow, type WorkflowMatch } from './match-workflow.ts'
import { requireNameVisible } from './watched.ts'

/** Who starts workflows at GitHub; answers the run if it can be told apart in time. */
export type WorkflowDispatcher = Pick<GitHubActions, 'listWorkflows' | 'dispatchWorkflow'>

export interface TriggerDeps extends Pick<MonitorDeps, 'db'> {
  /** Null: the server has nothing to ask GitHub with. */
  dispatcher: WorkflowDispatcher | null
}

/**
 * Starts a workflow. GitHub's refusals become ours: what it does not know `resource_not_found`, what it
 * takes for wrong `invalid_request` in its own words, what the credential may not do and GitHub's
 * absence `unavailable`.
 */
export async function triggerPipeline(
  deps: TriggerDeps,
  input: { principal: Principal; request: TriggerPipelineRequest },
  signal: AbortSignal,
): Promise<TriggerPipelineResponse> {
  const { principal, request } = input
  const { repository, workflow: text, branch = 'main', inputs = {} } = request
  requireNameVisible(principal, repository)
  const problem = refNameProblem(branch)
  if (problem !== null) {
    throw new AppError('invalid_request', `The branch ${branch} is not valid: ${problem}`)
  }
  const { dispatcher } = deps
  if (dispatcher === null) {
    throw new AppError(
      'unavailable',
      'This server cannot start workflows: neither GITHUB_TOKEN nor a GitHub App is set',
    )
  }
  const workflow = await findWorkflow({ ...deps, dispatcher }, { repository, text }, signal)
  const dispatch = {
    workflowId: workflow.id,
    ref: branch,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, String(value)]),
    ),
  }
  const run = await asked(() => dispatcher.dispatchWorkflow(repository, dispatch, signal), {
    repository,
    mayHaveStarted: true,
  })
  return {
    success: true,
    repository,
    workflow: text,
    branch,
    message: 'Pipeline triggered successfully',
    timestamp: new Date().toISOString(),
    runId: run?.runId ?? null,
    runUrl: run?.url ?? null,
  }
}

/**
 * In what is stored, and where nothing there is called so, at GitHub: it may be new. Whose name it is by now
 * only GitHub knows: what is stored may have had it before.
 */
async function findWorkflow(
  deps: TriggerDeps & { dispatcher: WorkflowDispatcher },
  { repository, text }: { repository: string; text: string },
  signal: AbortSignal,
): Promise<Workflow> {
  let match = matchWorkflow(await storedWorkflows(deps, repository), text)
  if (match.kind !== 'one' || match.byName) {
    const listed = await asked(() => deps.dispatcher.listWorkflows(repository, signal), {
      repository,
      mayHaveStarted: false,
    })
    match = matchWorkflow(listed, text)
  }
  return theOne(match, { repository, text })
}

function theOne(match: WorkflowMatch, asked: { repository: string; text: string }): Workflow {
  const { repository, text } = asked
  if (match.kind === 'one') return match.workflow
  if (match.kind === 'none') {
    throw new AppError('resource_not_found', `${repository} has no workflow ${text}`)
  }
  const candidates = match.workflows.map(({ path, id }) => `${path} (${id})`)
  throw new AppError(
    'invalid_request',
    `${repository} has several workflows called ${text}: name the file or the id of one of ${candidates.join(', ')}`,
    { candidates: match.workflows.map(({ id, name, path }) => ({ id, name, path })) },
  )
}

async function storedWorkflows(
  { db }: Pick<MonitorDeps, 'db'>,
  repository: string,
): Promise<Workflow[]> {
  const { rows } = await sql<Workflow>`
    select w.id, w.name, w.path, w.state
    from workflows w join monitored_repositories m on m.id = w.repository_id
    where lower(m.full_name) = ${repository.toLowerCase()} and m.lost_at is null
    limit 1000`.execute(db)
  return rows
}

interface Question {
  repository: string
  /** Whether what GitHub was asked for may be done though it did not say so. */
  mayHaveStarted: boolean
}

async function asked<T>(ask: () => Promise<T>, question: Question): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw error instanceof GitHubError ? refusalOf(error, question) : error
  }
}

function refusalOf(error: GitHubError, { repository, mayHaveStarted }: Question): AppError {
  const { reason, retryAfterMs } = error
  switch (reason) {
    case 'missing':
      return new AppError(
        'resource_not_found',
        `GitHub knows no such workflow in ${repository}, or does not show it to us`,
      )
    case 'invalid':
      return new AppError('invalid_request', `GitHub refuses: ${error.message}`)
    case 'refused':
      return new AppError(
        'unavailable',
        `GitHub does not let this server start workflows of ${repository}: its token needs the permission "Actions: write" there (a classic token the scopes repo and workflow)`,
      )
    case 'limited':
    case 'away':
      return new AppError(
        'unavailable',
        reason === 'limited'
          ? 'GitHub takes no more requests of this server for now'
          : `GitHub cannot be reached, or does not answer; ${mayHaveStarted ? 'whether the workflow started is not known' : 'nothing was started'}`,
        { retry_after_seconds: Math.ceil((retryAfterMs ?? freshMs) / 1000) },
      )
  }
}
