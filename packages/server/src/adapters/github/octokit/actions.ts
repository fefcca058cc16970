import type {
  Conditional,
  GitHubActions,
  RunsPage,
  RunsQuery,
  VisibleRepository,
} from '../../../ports/github-actions.ts'
import {
  readArtifact,
  readJob,
  readRepository,
  readRun,
  readWorkflow,
} from '../../../ports/read-github-actions.ts'
import type { Account } from './authorise.ts'
import { answerOf, type At, type Call, type GitHubCalls } from './call-github.ts'
import { expectCount, expectId, expectList, expectText, NonsenseAnswer } from './expect.ts'

const pageSize = 100
const mostPages = 10
/** Pages of repositories that one account sees. */
const mostRepositoryPages = 100

type Work<T> = Parameters<GitHubCalls['call']>[1] extends (request: infer R, at: At) => unknown
  ? (request: R, at: At) => Promise<T>
  : never

/** GitHub's workflows by octokit. */
export function createOctokitActions(calls: GitHubCalls): GitHubActions {
  const { call, budget, accounts } = calls
  const read = <T>(repository: string, what: string, signal: AbortSignal, work: Work<T>) =>
    call({ repository, what, signal, reads: true }, work)
  const conditionally = async <T>(
    about: Pick<Call, 'repository' | 'what' | 'signal'>,
    work: Work<{ value: T; headers: { etag?: string | undefined } }>,
  ): Promise<Conditional<T>> => {
    const answer = await call({ ...about, reads: true, absent: [304] }, work)
    if (answer === null) return { changed: false }
    return { changed: true, value: answer.value, etag: answer.headers.etag ?? null }
  }
  return {
    budget,
    async *listRepositories(signal) {
      for (const account of await accounts(signal)) yield* repositoriesOf(calls, account, signal)
    },
    getRepository(repository, signal) {
      return read(repository, `Repository ${repository}`, signal, async (request, at) => {
        const { data } = await request('GET /repos/{owner}/{repo}', { ...at })
        return whole(readRepository(data))
      })
    },
    listWorkflows(repository, signal) {
      return read(repository, `Workflows of ${repository}`, signal, (request, at) =>
        allPages(async (page) => {
          const { data } = await request('GET /repos/{owner}/{repo}/actions/workflows', {
            ...at,
            per_page: pageSize,
            page,
          })
          return { total: data.total_count, items: everyOne(data.workflows, readWorkflow) }
        }),
      )
    },
    countWorkflows(repository, etag, signal) {
      const about = { repository, what: `Workflows of ${repository}`, signal }
      return conditionally(about, async (request, at) => {
        const { data, headers } = await request('GET /repos/{owner}/{repo}/actions/workflows', {
          ...at,
          per_page: 1,
          headers: ifNoneMatch(etag),
        })
        return { value: expectCount(data.total_count), headers }
      })
    },
    listRuns(repository, query, signal) {
      const about = { repository, what: `Workflow runs of ${repository}`, signal }
      return conditionally(about, async (request, at) => {
        const { data, headers } = await request('GET /repos/{owner}/{repo}/actions/runs', {
          ...at,
          ...parametersOf(query),
          headers: ifNoneMatch(query.etag),
        })
        return { value: toRunsPage(data), headers }
      })
    },
    getRun(repository, { runId, etag }, signal) {
      const about = { repository, what: `Workflow run ${runId}`, signal }
      return conditionally(about, async (request, at) => {
        const { data, headers } = await request('GET /repos/{owner}/{repo}/actions/runs/{run_id}', {
          ...at,
          run_id: runId,
          exclude_pull_requests: true,
          headers: ifNoneMatch(etag),
        })
        return { value: whole(readRun(data)), headers }
      })
    },
    getRunAttempt(repository, { runId, attempt }, signal) {
      const what = `Attempt ${attempt} of workflow run ${runId}`
      return read(repository, what, signal, async (request, at) => {
        const { data } = await request(
          'GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}',
          { ...at, run_id: runId, attempt_number: attempt, exclude_pull_requests: true },
        )
        return whole(readRun(data))
      })
    },
    listJobs(repository, { runId, attempt, etag }, signal) {
      const about = { repository, what: `Jobs of workflow run ${runId}`, signal }
      return conditionally(about, async (request, at) => {
        let first: { etag?: string | undefined } = {}
        const value = await allPages(async (page) => {
          const { data, headers } = await request(
            'GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}/jobs',
            {
              ...at,
              run_id: runId,
              attempt_number: attempt,
              per_page: pageSize,
              page,
              headers: ifNoneMatch(page === 1 ? etag : null),
            },
          )
          // The first page does not say that a later one has changed.
          if (page === 1 && data.total_count <= pageSize) first = headers
          return { total: data.total_count, items: everyOne(data.jobs, readJob) }
        })
        return { value: value.map((job) => ({ ...job, attempt })), headers: first }
      })
    },
    listArtifacts(repository, runId, signal) {
      const what = `Artifacts of workflow run ${runId}`
      return read(repository, what, signal, (request, at) =>
        allPages(async (page) => {
          const { data } = await request(
            'GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts',
            { ...at, run_id: runId, per_page: pageSize, page },
          )
          return { total: data.total_count, items: everyOne(data.artifacts, readArtifact) }
        }),
      )
    },
    dispatchWorkflow(repository, { workflowId, ref, inputs }, signal) {
      const what = `Start of workflow ${workflowId}`
      return call({ repository, what, signal, starts: true }, async (request, at) => {
        const start = (more: { return_run_details?: true }) =>
          request('POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches', {
            ...at,
            workflow_id: workflowId,
            ref,
            inputs: { ...inputs },
            ...more,
          })
        const { data } = await start({ return_run_details: true }).catch((error: unknown) => {
          // A GitHub that does not know the parameter has started nothing.
          if (!isUnknownParameter(error)) throw error
          return start({})
        })
        // 204: it was started, and nothing is said.
        const told = data as typeof data | undefined
        if (typeof told?.workflow_run_id !== 'number') return null
        return {
          runId: expectId({ id: told.workflow_run_id }),
          url: expectText(told.html_url, /^https?:/),
        }
      })
    },
  }
}

async function* repositoriesOf(
  { call }: GitHubCalls,
  account: Account,
  signal: AbortSignal,
): AsyncGenerator<readonly VisibleRepository[]> {
  const about = { repository: account, what: 'Repositories of the token', signal, reads: true }
  for (let page = 1; page <= mostRepositoryPages; page++) {
    const found = await call(about, async (request) => {
      if (account.kind === 'token') {
        const { data } = await request('GET /user/repos', {
          sort: 'pushed',
          per_page: pageSize,
          page,
        })
        return everyOne(data, readRepository)
      }
      const { data } = await request('GET /installation/repositories', {
        per_page: pageSize,
        page,
      })
      return everyOne(data.repositories, readRepository)
    })
    yield found
    if (found.length < pageSize) return
  }
}

function parametersOf({ perPage, page = 1, created, event }: RunsQuery) {
  return {
    per_page: perPage,
    exclude_pull_requests: true,
    ...(page === 1 ? {} : { page }),
    ...(created === undefined ? {} : { created: `${second(created.from)}..${second(created.to)}` }),
    ...(event === undefined ? {} : { event }),
  }
}

function second(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

function toRunsPage(data: { total_count: number; workflow_runs: readonly unknown[] }): RunsPage {
  const runs = everyOne(data.workflow_runs, readRun)
  const owners = data.workflow_runs.map((run) =>
    whole(readRepository((run as { repository?: unknown }).repository)),
  )
  const [repository = null] = owners
  if (owners.some(({ id }) => id !== repository?.id)) {
    throw new NonsenseAnswer('runs of several repositories')
  }
  return { total: expectCount(data.total_count), runs, repository }
}

/** A list that grew or shrank meanwhile is not whole; asked again, it is. */
export async function allPages<T extends { id: number }>(
  ask: (page: number) => Promise<{ total: number; items: T[] }>,
): Promise<T[]> {
  const found = new Map<number, T>()
  for (let page = 1; page <= mostPages; page++) {
    const { total, items } = await ask(page)
    for (const item of items) found.set(item.id, item)
    if (found.size >= expectCount(total)) return [...found.values()]
    if (items.length < pageSize) throw new NonsenseAnswer('half a list')
  }
  return [...found.values()]
}

export function everyOne<T>(data: readonly unknown[], readOne: (value: unknown) => T | null): T[] {
  return expectList(data).map((item) => whole(readOne(item)))
}

export function whole<T>(value: T | null): T {
  if (value === null) throw new NonsenseAnswer('an answer without its parts')
  return value
}

export function ifNoneMatch(etag: string | null | undefined): Record<string, string> {
  return etag == null ? {} : { 'if-none-match': etag }
}

function isUnknownParameter(error: unknown): boolean {
  const answer = answerOf(error)
  return answer?.status === 422 && JSON.stringify(answer.body).includes('return_run_details')
}
