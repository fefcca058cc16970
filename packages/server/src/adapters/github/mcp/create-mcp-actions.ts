import { createHash } from 'node:crypto'
import { GitHubError } from '../../../ports/github.ts'
import type { Conditional, GitHubActions } from '../../../ports/github-actions.ts'
import { readArtifact, readJob, readRun, readWorkflow } from '../../../ports/read-github-actions.ts'
import { allPages, everyOne, whole } from '../octokit/actions.ts'
import { expectCount, NonsenseAnswer } from '../octokit/expect.ts'
import { createPlaces } from '../octokit/take-places.ts'
import { explainStart } from './explain-start.ts'
import { keepSession, type Session, type SessionOptions } from './keep-session.ts'
import { type FallbackReason, McpFailure } from './mcp-failure.ts'
import { openTransport, type TransportInput } from './open-transport.ts'
import { planCall, type Question } from './plan-call.ts'
import { readResult, type ToolAnswer } from './read-result.ts'
import { toRunsPage } from './to-runs-page.ts'

export type McpOperation = Exclude<keyof GitHubActions, 'budget'>

export interface McpActionsOptions extends TransportInput {
  /** Does what the server cannot do, or cannot be asked. */
  rest: GitHubActions
  /** Of ours. */
  version: string
  observe: McpObserver
  /** Milliseconds that one message to the server may take. Default 10,000. */
  timeoutMs?: number
  /** Milliseconds that connecting to it may take, starting it included. Default 15,000. */
  connectMs?: number
  /** Milliseconds until the first attempt to connect again. Default 1,000. */
  firstPauseMs?: number
}

/** Must not throw. */
export interface McpObserver extends Pick<SessionOptions, 'connected' | 'lost'> {
  /** Told of every operation that goes to the API of GitHub instead. */
  fallback(operation: McpOperation, reason: FallbackReason): void
}

type Ask = (question: Question) => Promise<ToolAnswer>

const pageSize = 100
const atOnce = 4
const mostWaiting = 200
const startsApartMs = 1_000
const prefix = 'mcp-'

/**
 * GitHub's workflows by GitHub's MCP server, and by `rest` what that cannot be asked: then an observer is
 * told. A start is sent once, to one of the two. The server answers no ETags: those given out here are
 * digests of its answers, so that who asks is spared the work, if not GitHub the request.
 */
export function createMcpActions(
  options: McpActionsOptions,
): GitHubActions & { close(): Promise<void> } {
  const { rest, observe, token } = options
  const keeper = keepSession({
    timeoutMs: 10_000,
    connectMs: 15_000,
    firstPauseMs: 1_000,
    ...options,
    open: () => openTransport(options),
    connected: observe.connected,
    lost: (why) => observe.lost(masked(why, token)),
  })
  const places = createPlaces({ count: atOnce, waiting: mostWaiting })
  const starts = createPlaces({ count: 1, waiting: 30, apartMs: startsApartMs })

  const read = async <T>(
    about: { operation: McpOperation; repository: string; signal: AbortSignal },
    byMcp: (ask: Ask) => Promise<T>,
    byRest: () => Promise<T>,
  ): Promise<T> => {
    const { operation, repository, signal } = about
    try {
      return await places.take(signal, () =>
        keeper.use(signal, (session) =>
          byMcp(async (question) =>
            readResult(await session.call(plan(session, repository, question), signal)),
          ),
        ),
      )
    } catch (error) {
      signal.throwIfAborted()
      observe.fallback(operation, reasonOf(error))
      return byRest()
    }
  }

  return {
    budget: () => rest.budget(),
    listRepositories(signal) {
      observe.fallback('listRepositories', 'missing_tool')
      return rest.listRepositories(signal)
    },
    getRepository(repository, signal) {
      observe.fallback('getRepository', 'missing_tool')
      return rest.getRepository(repository, signal)
    },
    listWorkflows(repository, signal) {
      return read(
        { operation: 'listWorkflows', repository, signal },
        (ask) =>
          allPages(async (page) => {
            const { data } = await ask({ kind: 'workflows', page, perPage: pageSize })
            return { total: countIn(data), items: listIn(data, 'workflows', readWorkflow) }
          }),
        () => rest.listWorkflows(repository, signal),
      )
    },
    countWorkflows(repository, etag, signal) {
      return read(
        { operation: 'countWorkflows', repository, signal },
        async (ask) => {
          const { data } = await ask({ kind: 'workflows', page: 1, perPage: 1 })
          const total = countIn(data)
          return conditional(etag, String(total), total)
        },
        () => rest.countWorkflows(repository, forRest(etag), signal),
      )
    },
    listRuns(repository, query, signal) {
      const { page = 1, perPage, event, created } = query
      return read(
        { operation: 'listRuns', repository, signal },
        async (ask) => {
          if (created !== undefined) throw missingTool()
          const { text, data } = await ask({ kind: 'runs', page, perPage, event })
          return conditional(query.etag, text, toRunsPage(data, repository))
        },
        () => rest.listRuns(repository, { ...query, etag: forRest(query.etag) }, signal),
      )
    },
    getRun(repository, { runId, etag }, signal) {
      return read(
        { operation: 'getRun', repository, signal },
        async (ask) => {
          const { text, data } = await ask({ kind: 'run', runId })
          const run = whole(readRun(data))
          if (run.id !== runId) throw new NonsenseAnswer('another run than the one asked for')
          return conditional(etag, text, run)
        },
        () => rest.getRun(repository, { runId, etag: forRest(etag) }, signal),
      )
    },
    getRunAttempt(repository, input, signal) {
      observe.fallback('getRunAttempt', 'missing_tool')
      return rest.getRunAttempt(repository, input, signal)
    },
    listJobs(repository, { runId, attempt, etag }, signal) {
      return read(
        { operation: 'listJobs', repository, signal },
        async (ask) => {
          const texts: string[] = []
          const jobs = await allPages(async (page) => {
            const { text, data } = await ask({ kind: 'jobs', runId, page, perPage: pageSize })
            texts.push(text)
            // Both generations put GitHub's answer into an object of their own.
            const inner = whole(objectIn(data, 'jobs'))
            return { total: countIn(inner), items: listIn(inner, 'jobs', readJob) }
          })
          if (jobs.some((job) => job.runId !== runId)) {
            throw new NonsenseAnswer('jobs of another run')
          }
          // It lists those of the newest attempt: whether that is this one, only they say.
          if (Math.max(...jobs.map((job) => job.attempt)) !== attempt) throw missingTool()
          return conditional(
            etag,
            texts.join('\n'),
            jobs.map((job) => ({ ...job, attempt })),
          )
        },
        () => rest.listJobs(repository, { runId, attempt, etag: forRest(etag) }, signal),
      )
    },
    listArtifacts(repository, runId, signal) {
      return read(
        { operation: 'listArtifacts', repository, signal },
        (ask) =>
          allPages(async (page) => {
            const { data } = await ask({ kind: 'artifacts', runId, page, perPage: pageSize })
            return { total: countIn(data), items: listIn(data, 'artifacts', readArtifact) }
          }),
        () => rest.listArtifacts(repository, runId, signal),
      )
    },
    async dispatchWorkflow(repository, dispatch, signal) {
      const question = { kind: 'dispatch', ...dispatch } as const
      let isSent = false
      try {
        await starts.take(signal, () =>
          keeper.use(signal, async (session) => {
            // A connection that is no more must show before anything is sent.
            await session.refresh(signal)
            const call = plan(session, repository, question)
            isSent = true
            readResult(await session.call(call, signal))
          }),
        )
        // No generation says which run it is.
        return null
      } catch (error) {
        signal.throwIfAborted()
        if (isSent && !(error instanceof McpFailure && error.unsent)) {
          throw explainStart(error, `Start of workflow ${dispatch.workflowId}`, (text) =>
            masked(text, token),
          )
        }
        observe.fallback('dispatchWorkflow', reasonOf(error))
        return rest.dispatchWorkflow(repository, dispatch, signal)
      }
    },
    close: () => keeper.close(),
  }
}

function plan(session: Session, repository: string, question: Question) {
  const call = planCall(session.tools, repository, question)
  if (call === null) throw missingTool()
  return call
}

function missingTool(): McpFailure {
  return new McpFailure('missing_tool', 'the server has no tool that can be asked this', true)
}

function reasonOf(error: unknown): FallbackReason {
  if (error instanceof McpFailure) return error.reason
  // Too many wait for it.
  return error instanceof GitHubError ? 'unreachable' : 'nonsense'
}

function conditional<T>(etag: string | null | undefined, text: string, value: T): Conditional<T> {
  const digest = `${prefix}${createHash('sha256').update(text).digest('base64url')}`
  return digest === etag ? { changed: false } : { changed: true, value, etag: digest }
}

/** What was given out here means nothing to GitHub. */
function forRest(etag: string | null | undefined): string | null {
  return etag == null || etag.startsWith(prefix) ? null : etag
}

function countIn(data: Readonly<Record<string, unknown>>): number {
  return expectCount(data['total_count'])
}

function listIn<T>(
  data: Readonly<Record<string, unknown>>,
  name: string,
  readOne: (value: unknown) => T | null,
): T[] {
  return everyOne(data[name] as unknown[], readOne)
}

function objectIn(data: Readonly<Record<string, unknown>>, name: string) {
  const inner = data[name]
  const isObject = typeof inner === 'object' && inner !== null
  return isObject ? (inner as Readonly<Record<string, unknown>>) : null
}

function masked(text: string, token: string | null): string {
  return token === null ? text : text.replaceAll(token, '***')
}
