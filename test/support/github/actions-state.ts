import type { ApiDescription, MatchedRequest } from './api-description.ts'
import type { StateAnswer } from './state.ts'

export interface StandInWorkflow {
  id: number
  name: string
  path: string
  state: string
  /** Its inputs; null: it has no `workflow_dispatch`. */
  inputs: readonly string[] | null
}

export interface StandInJob {
  id: number
  name: string
  status: string
  conclusion: string | null
  created_at: string
  started_at: string
  completed_at: string | null
  /** Default: those of GitHub's example. */
  labels?: string[]
  /** Who took it. Default: the one of GitHub's example. */
  runner_name?: string | null
  runner_id?: number | null
  steps: {
    number: number
    name: string
    status: string
    conclusion: string | null
    started_at: string | null
    completed_at: string | null
  }[]
}

export interface StandInRun {
  id: number
  workflow_id: number
  run_number: number
  run_attempt: number
  event: string
  head_branch: string
  head_sha: string
  message: string
  actor: string
  status: string
  conclusion: string | null
  created_at: string
  run_started_at: string
  updated_at: string
  /** By attempt. */
  jobs: Record<number, StandInJob[]>
  artifacts: { id: number; name: string; size_in_bytes: number }[]
  /** Attempts of before, as they ended. */
  earlier: { run_attempt: number; conclusion: string; run_started_at: string; updated_at: string }[]
}

export interface StandInRepository {
  id: number
  full_name: string
  default_branch: string
  branches: string[]
  workflows: StandInWorkflow[]
  runs: Map<number, StandInRun>
}

/** Repositories with workflows, as GitHub would keep them. */
export interface ActionsState {
  readonly repositories: readonly StandInRepository[]
  /** Whether a start of a workflow is answered with its run; if not, the run is there a little later. */
  tellsRuns: boolean
  addRepository(fullName: string, more?: Partial<StandInRepository>): StandInRepository
  /** Makes a run, or changes it. */
  putRun(fullName: string, run: Partial<StandInRun> & { id: number }): StandInRun
  /** The old name leads to the new one, as at GitHub. */
  rename(from: string, to: string): void
  /** It is gone. */
  remove(fullName: string): void
  /** As the API and the webhook show it. */
  showRepository(repository: StandInRepository): Record<string, unknown>
  showRun(repository: StandInRepository, run: StandInRun): Record<string, unknown>
  showJob(run: StandInRun, attempt: number, job: StandInJob): Record<string, unknown>
  /** The path below `/repos/<owner>/<name>` of a repository that was renamed; null: it was not. */
  redirect(path: string): string | null
  /** `/repositories/<id>/…` by the name it has now. */
  resolve(path: string): string
  handle(match: MatchedRequest, query: URLSearchParams, body: unknown): StateAnswer | null
}

const mostFound = 1_000

export function createActionsState(input: {
  api: ApiDescription
  base: () => string
}): ActionsState {
  const { api, base } = input
  const repositories: StandInRepository[] = []
  const renamed = new Map<string, number>()
  let ids = 1_000_000_000

  const find = (name: string) =>
    repositories.find((known) => known.full_name.toLowerCase() === name.toLowerCase())
  const get = (name: string) => {
    const found = find(name)
    if (found === undefined) throw new Error(`the stand-in has no repository ${name}`)
    return found
  }
  const notFound = { status: 404, body: ['Not Found'] }
  const invalid = (message: string) => ({ status: 422, body: [message] })

  const state: ActionsState = {
    repositories,
    tellsRuns: true,
    addRepository(fullName, more = {}) {
      const repository: StandInRepository = {
        id: ++ids,
        full_name: fullName,
        default_branch: 'main',
        branches: ['main'],
        workflows: [
          {
            id: ++ids,
            name: 'CI',
            path: '.github/workflows/ci.yml',
            state: 'active',
            inputs: ['debug'],
          },
        ],
        runs: new Map(),
        ...more,
      }
      repositories.push(repository)
      return repository
    },
    putRun(fullName, given) {
      const repository = get(fullName)
      const known = repository.runs.get(given.id)
      const created = given.created_at ?? known?.created_at ?? new Date().toISOString()
      const run: StandInRun = {
        workflow_id: repository.workflows[0]?.id ?? 1,
        run_number: repository.runs.size + 1,
        run_attempt: 1,
        event: 'push',
        head_branch: 'main',
        head_sha: 'acb5820ced9479c074f688cc328bf03f341a511d',
        message: 'Add new feature',
        actor: 'octocat',
        status: 'queued',
        conclusion: null,
        created_at: created,
        run_started_at: created,
        updated_at: created,
        jobs: {},
        artifacts: [],
        earlier: [],
        ...known,
        ...given,
      }
      repository.runs.set(run.id, run)
      return run
    },
    rename(from, to) {
      const repository = get(from)
      renamed.set(from.toLowerCase(), repository.id)
      renamed.delete(to.toLowerCase())
      repository.full_name = to
    },
    remove(fullName) {
      repositories.splice(repositories.indexOf(get(fullName)), 1)
    },
    showRepository: (repository) => showRepository(repository),
    showRun: (repository, run) => showRun(repository, run),
    showJob: (run, attempt, job) => showJob(run, attempt, job),
    redirect(path) {
      const [, name = '', rest = ''] = /^\/repos\/([^/]+\/[^/?]+)(.*)$/.exec(path) ?? []
      const id = find(name) === undefined ? renamed.get(name.toLowerCase()) : undefined
      return id === undefined ? null : `${base()}/repositories/${id}${rest}`
    },
    resolve(path) {
      const [, id = '', rest = ''] = /^\/repositories\/(\d+)(.*)$/.exec(path) ?? []
      const repository = repositories.find((known) => String(known.id) === id)
      return repository === undefined ? path : `/repos/${repository.full_name}${rest}`
    },
    handle({ operation, params }, query, body) {
      if (operation === 'repos/list-for-authenticated-user') {
        return { status: 200, body: pageOf(repositories, query).map(showRepository) }
      }
      if (operation === 'apps/list-installations') {
        const shown = api.example('apps/get-repo-installation', 200)
        // The description wants every account to be an enterprise, too.
        const enterprise = { name: 'Acme', slug: 'acme', created_at: null, updated_at: null }
        const account = { ...(shown['account'] as object), ...enterprise }
        return { status: 200, body: [{ ...shown, id: 7, account }] }
      }
      if (operation === 'apps/list-repos-accessible-to-installation') {
        const shown = pageOf(repositories, query).map(showRepository)
        return { status: 200, body: { total_count: repositories.length, repositories: shown } }
      }
      if (operation !== 'repos/get' && !operation.startsWith('actions/')) return null
      const repository = find(`${params['owner']}/${params['repo']}`)
      if (repository === undefined) return notFound
      if (operation === 'repos/get') return { status: 200, body: showRepository(repository) }
      const run = repository.runs.get(Number(params['run_id']))
      switch (operation) {
        case 'actions/list-repo-workflows': {
          const { workflows } = repository
          const shown = pageOf(workflows, query).map(showWorkflow)
          return { status: 200, body: { total_count: workflows.length, workflows: shown } }
        }
        case 'actions/list-workflow-runs-for-repo': {
          const found = findRuns(repository, query)
          const shown = pageOf(found.slice(0, mostFound), query)
          const workflow_runs = shown.map((one) => showRun(repository, one))
          return { status: 200, body: { total_count: found.length, workflow_runs } }
        }
        case 'actions/get-workflow-run': {
          if (run === undefined) return notFound
          return { status: 200, body: showRun(repository, run) }
        }
        case 'actions/get-workflow-run-attempt': {
          const attempt = Number(params['attempt_number'])
          if (run?.run_attempt === attempt) return { status: 200, body: showRun(repository, run) }
          const earlier = run?.earlier.find((one) => one.run_attempt === attempt)
          if (run === undefined || earlier === undefined) return notFound
          const shown = showRun(repository, { ...run, ...earlier, status: 'completed' })
          return { status: 200, body: shown }
        }
        case 'actions/list-jobs-for-workflow-run-attempt': {
          if (run === undefined) return notFound
          const attempt = Number(params['attempt_number'])
          const all = run.jobs[attempt] ?? []
          const jobs = pageOf(all, query).map((job) => showJob(run, attempt, job))
          return { status: 200, body: { total_count: all.length, jobs } }
        }
        case 'actions/get-job-for-workflow-run': {
          for (const known of repository.runs.values()) {
            for (const [attempt, jobs] of Object.entries(known.jobs)) {
              const job = jobs.find(({ id }) => String(id) === params['job_id'])
              if (job !== undefined) return { status: 200, body: showJob(known, +attempt, job) }
            }
          }
          return notFound
        }
        case 'actions/list-workflow-run-artifacts': {
          if (run === undefined) return notFound
          const artifacts = pageOf(run.artifacts, query).map((artifact) => ({
            ...(listed(operation, 'artifacts') as object),
            ...artifact,
          }))
          return { status: 200, body: { total_count: run.artifacts.length, artifacts } }
        }
        case 'actions/create-workflow-dispatch': {
          return dispatch(repository, Number(params['workflow_id']), body as Dispatch)
        }
        default: {
          return null
        }
      }
    },
  }

  interface Dispatch {
    ref: string
    inputs?: Record<string, unknown>
    return_run_details?: boolean
  }
  const dispatch = (repository: StandInRepository, id: number, asked: Dispatch): StateAnswer => {
    const workflow = repository.workflows.find((known) => known.id === id)
    if (workflow === undefined) return notFound
    const { inputs } = workflow
    if (inputs === null) return invalid("Workflow does not have 'workflow_dispatch' trigger")
    if (!repository.branches.includes(asked.ref)) return invalid(`No ref found for: ${asked.ref}`)
    const unexpected = Object.keys(asked.inputs ?? {}).filter((name) => !inputs.includes(name))
    if (unexpected.length > 0)
      return invalid(`Unexpected inputs provided: ${JSON.stringify(unexpected)}`)
    const run = state.putRun(repository.full_name, {
      id: ++ids,
      workflow_id: id,
      event: 'workflow_dispatch',
      head_branch: asked.ref,
    })
    if (!state.tellsRuns || asked.return_run_details !== true)
      return { status: 204, body: undefined }
    const html_url = `${base()}/${repository.full_name}/actions/runs/${run.id}`
    const run_url = `${base()}/repos/${repository.full_name}/actions/runs/${run.id}`
    return { status: 200, body: { workflow_run_id: run.id, run_url, html_url } }
  }

  const listed = (operation: Parameters<ApiDescription['example']>[0], name: string) =>
    (api.example(operation, 200)[name] as unknown[])[0]
  const showRepository = ({ id, full_name, default_branch }: StandInRepository) => {
    const [login = '', name = ''] = full_name.split('/')
    const {
      source: _,
      parent: __,
      template_repository: ___,
      ...example
    } = api.example('repos/get', 200)
    return {
      ...example,
      id,
      name,
      full_name,
      default_branch,
      language: null,
      owner: { ...(example['owner'] as object), login },
    }
  }
  const showWorkflow = ({ inputs: _, ...workflow }: StandInWorkflow) => ({
    ...(listed('actions/list-repo-workflows', 'workflows') as object),
    ...workflow,
  })
  const showRun = (repository: StandInRepository, run: StandInRun) => {
    const example = api.example('actions/get-workflow-run', 200)
    const workflow = repository.workflows.find(({ id }) => id === run.workflow_id)
    const { jobs: _, artifacts: __, earlier: ___, message, actor, ...shown } = run
    const { default_branch: ____, ...minimal } = showRepository(repository) as {
      default_branch: string
    }
    return {
      ...example,
      ...shown,
      name: workflow?.name ?? 'Gone',
      path: workflow?.path ?? '.github/workflows/gone.yml',
      html_url: `${base()}/${repository.full_name}/actions/runs/${run.id}`,
      actor: { ...(example['actor'] as object), login: actor },
      head_commit: { ...(example['head_commit'] as object), id: run.head_sha, message },
      repository: minimal,
    }
  }
  const showJob = (run: StandInRun, attempt: number, job: StandInJob) => ({
    ...(listed('actions/list-jobs-for-workflow-run-attempt', 'jobs') as object),
    ...job,
    run_id: run.id,
    run_attempt: attempt,
    head_sha: run.head_sha,
    head_branch: run.head_branch,
  })
  return state
}

function findRuns({ runs }: StandInRepository, query: URLSearchParams): StandInRun[] {
  const [from = '', to = ''] = (query.get('created') ?? '').split('..')
  const event = query.get('event')
  const status = query.get('status')
  return (
    [...runs.values()]
      .filter((run) => event === null || run.event === event)
      .filter((run) => status === null || run.status === status || run.conclusion === status)
      .filter(({ created_at }) => from === '' || Date.parse(created_at) >= Date.parse(from))
      // To the second, the last one included.
      .filter(({ created_at }) => to === '' || Date.parse(created_at) < Date.parse(to) + 1000)
      .toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.id - a.id)
  )
}

function pageOf<T>(all: readonly T[], query: URLSearchParams): T[] {
  const size = Number(query.get('per_page') ?? 30)
  const from = (Number(query.get('page') ?? 1) - 1) * size
  return all.slice(from, from + size)
}
