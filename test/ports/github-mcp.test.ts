// The port github-actions by a server of the Model Context Protocol, in a process of its own that asks the same
// stand-in for GitHub as the API's client does.
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  createMcpActions,
  type McpActionsOptions,
} from '../../packages/server/src/adapters/github/mcp/create-mcp-actions.ts'
import { createOctokitActions } from '../../packages/server/src/adapters/github/octokit/actions.ts'
import { callGitHub } from '../../packages/server/src/adapters/github/octokit/call-github.ts'
import { GitHubError } from '../../packages/server/src/ports/github.ts'
import type { Conditional, GitHubActions } from '../../packages/server/src/ports/github-actions.ts'
import {
  isAlive,
  type McpFault,
  type McpServerPlace,
  placeMcpServer,
} from '../support/github/mcp-server.ts'
import { type GitHubStandIn, startGitHubStandIn } from '../support/github/stand-in.ts'

const token = 'ghp_a_token_nobody_may_see'
const repository = 'acme/shop'
const never = new AbortController().signal
const all = { perPage: 100 }
const generations = ['single', 'grouped', 'trimmed'] as const
let standIn: GitHubStandIn
let rest: GitHubActions
let fallbacks: string[]
let lost: string[]
let connected: (readonly string[])[]

beforeEach(async () => {
  const started = await startGitHubStandIn({ token })
  standIn = started
  onTestFinished(async () => {
    await started.close()
    expect(started.violations).toEqual([])
  })
  standIn.actions.addRepository(repository, { id: 77 })
  rest = createOctokitActions(
    callGitHub({
      apiUrl: standIn.url,
      credential: { kind: 'token', token },
      version: '1.2.3',
    }),
  )
})

function open(
  place: Pick<McpServerPlace, 'endpoint'>,
  more: Partial<McpActionsOptions> = {},
): ReturnType<typeof createMcpActions> {
  fallbacks = []
  lost = []
  connected = []
  const actions = createMcpActions({
    endpoint: place.endpoint,
    token,
    apiUrl: standIn.url,
    rest,
    version: '1.2.3',
    connectMs: 30_000,
    observe: {
      fallback: (operation, reason) => void fallbacks.push(`${operation}: ${reason}`),
      connected: (tools) => void connected.push(tools),
      lost: (why) => void lost.push(why),
    },
    ...more,
  })
  onTestFinished(() => actions.close())
  return actions
}

function fillRuns() {
  const at = '2026-01-02T00:00:00Z'
  const job = (id: number) => ({
    id,
    name: `job ${id}`,
    status: 'completed',
    conclusion: 'success',
    created_at: at,
    started_at: at,
    completed_at: null,
    steps: [
      {
        number: 1,
        name: 'Build',
        status: 'completed',
        conclusion: 'success',
        started_at: at,
        completed_at: at,
      },
      {
        number: 2,
        name: 'Test',
        status: 'in_progress',
        conclusion: null,
        started_at: at,
        completed_at: null,
      },
    ],
  })
  standIn.actions.putRun(repository, {
    id: 1,
    created_at: '2026-01-01T00:00:00Z',
    run_attempt: 2,
    jobs: { 1: [job(9)], 2: Array.from({ length: 130 }, (_, n) => job(100 + n)) },
    artifacts: [{ id: 5, name: 'report', size_in_bytes: 1234 }],
    earlier: [{ run_attempt: 1, conclusion: 'failure', run_started_at: at, updated_at: at }],
  })
  standIn.actions.putRun(repository, {
    id: 2,
    created_at: at,
    event: 'workflow_dispatch',
    status: 'completed',
    conclusion: 'success',
  })
}
const valueOf = <T>(answer: Conditional<T>): T | 'unchanged' =>
  answer.changed ? answer.value : 'unchanged'
const etagOf = (answer: Conditional<unknown>) => (answer.changed ? answer.etag : null)
const starting = (inputs: Record<string, string> = { debug: 'true' }) => ({
  workflowId: standIn.actions.repositories[0]?.workflows[0]?.id ?? 0,
  ref: 'main',
  inputs,
})
const runsThere = () => standIn.actions.repositories[0]?.runs.size
const failureOf = async (promise: Promise<unknown>): Promise<GitHubError> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(GitHubError)
  expect((error as GitHubError).message).not.toContain(token)
  return error as GitHubError
}

describe.each(generations)('the generation “%s”', (generation) => {
  it.each(['stdio', 'http'] as const)('answers by %s what the API answers', async (transport) => {
    fillRuns()
    const actions = open(await placeMcpServer({ api: standIn.url, generation, transport }))
    const both = async (ask: (from: GitHubActions) => Promise<unknown>) => {
      const byApi = await ask(rest)
      expect(await ask(actions)).toEqual(byApi)
    }
    await both((from) => from.listWorkflows(repository, never))
    await both(async (from) => valueOf(await from.countWorkflows(repository, null, never)))
    await both(async (from) =>
      valueOf(await from.getRun(repository, { runId: 1, etag: null }, never)),
    )
    const jobs = { runId: 1, attempt: 2, etag: null }
    await both(async (from) => valueOf(await from.listJobs(repository, jobs, never)))
    await both((from) => from.listArtifacts(repository, 1, never))
    expect(fallbacks).toEqual([])
    const pages = [all, { perPage: 1, page: 2 }, { ...all, event: 'workflow_dispatch' }]
    for (const query of pages) {
      await both(async (from) => {
        const page = valueOf(await from.listRuns(repository, query, never))
        // Whose they are is not said by every release.
        return page === 'unchanged' ? page : { total: page.total, runs: page.runs }
      })
    }
    // The older one asks for the runs of one workflow only.
    expect(fallbacks).toEqual(
      generation === 'single' ? pages.map(() => 'listRuns: missing_tool') : [],
    )
    expect(connected).toHaveLength(1)
  })

  it('starts a workflow once', async () => {
    const place = await placeMcpServer({ api: standIn.url, generation, transport: 'stdio' })
    expect(await open(place).dispatchWorkflow(repository, starting(), never)).toBeNull()
    expect(runsThere()).toBe(1)
    expect(standIn.seen.at(-1)?.body).toEqual({ ref: 'main', inputs: { debug: 'true' } })
    expect(fallbacks).toEqual([])
  })

  it('has the API do what it has no tool for', async () => {
    fillRuns()
    const without = ['run_workflow', 'actions_run_trigger', 'get_workflow_run', 'actions_get']
    const actions = open(
      await placeMcpServer({ api: standIn.url, generation, transport: 'http', without }),
    )
    const run = { runId: 1, etag: null }
    expect(await actions.getRun(repository, run, never)).toEqual(
      await rest.getRun(repository, run, never),
    )
    expect(await actions.getRunAttempt(repository, { runId: 1, attempt: 1 }, never)).toMatchObject({
      attempt: 1,
      conclusion: 'failure',
    })
    const earlier = { runId: 1, attempt: 1, etag: null }
    expect(await actions.listJobs(repository, earlier, never)).toMatchObject({ value: [{ id: 9 }] })
    const created = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-01-01T12:00:00Z') }
    expect(await actions.listRuns(repository, { ...all, created }, never)).toMatchObject({
      value: { total: 1 },
    })
    expect(await actions.getRepository(repository, never)).toMatchObject({ id: 77 })
    for await (const page of actions.listRepositories(never)) expect(page).toHaveLength(1)
    const before = runsThere() ?? 0
    expect(await actions.dispatchWorkflow(repository, starting(), never)).toMatchObject({
      runId: expect.any(Number),
    })
    expect(runsThere()).toBe(before + 1)
    expect(fallbacks).toEqual([
      'getRun: missing_tool',
      'getRunAttempt: missing_tool',
      'listJobs: missing_tool',
      'listRuns: missing_tool',
      'getRepository: missing_tool',
      'listRepositories: missing_tool',
      'dispatchWorkflow: missing_tool',
    ])
  })
})

it('says that nothing has changed, and forgets it where the API answers', async () => {
  fillRuns()
  const place = await placeMcpServer({ api: standIn.url, generation: 'grouped', transport: 'http' })
  const actions = open(place, { firstPauseMs: 60_000 })
  const etag = etagOf(await actions.listRuns(repository, all, never))
  expect(await actions.listRuns(repository, { ...all, etag }, never)).toEqual({ changed: false })
  await place.stop()
  expect(await actions.listRuns(repository, { ...all, etag }, never)).toMatchObject({
    changed: true,
    value: { total: 2 },
  })
  expect(standIn.seen.at(-1)?.headers['if-none-match']).toBeUndefined()
  expect(fallbacks).toEqual(['listRuns: unreachable'])
  // Until it is tried again, nobody waits for it.
  await actions.listRuns(repository, all, never)
  expect(lost).toHaveLength(1)
  expect(fallbacks).toHaveLength(2)
})

it('asks the API whose runs they are that lie elsewhere', async () => {
  fillRuns()
  standIn.actions.rename(repository, 'acme/store')
  const place = await placeMcpServer({ api: standIn.url, generation: 'trimmed', transport: 'http' })
  expect(await open(place).listRuns(repository, all, never)).toMatchObject({
    value: { repository: { id: 77, fullName: 'acme/store' } },
  })
  expect(fallbacks).toEqual(['listRuns: missing_tool'])
})

const readFaults: readonly [McpFault, string][] = [
  ['crash', 'unreachable'],
  ['hang', 'timeout'],
  ['noise', 'timeout'],
  ['garbage', 'nonsense'],
  ['nonsense', 'nonsense'],
]
it.each(readFaults.flatMap((fault) => [['stdio', ...fault] as const, ['http', ...fault] as const]))(
  'reads by the API where the server on %s does this: %s',
  async (transport, fault, reason) => {
    const place = await placeMcpServer({ api: standIn.url, generation: 'grouped', transport })
    const actions = open(place, { timeoutMs: 3_000, firstPauseMs: 1 })
    expect(await actions.listWorkflows(repository, never)).toHaveLength(1)
    expect(fallbacks).toEqual([])
    place.behave(fault)
    expect(await actions.listWorkflows(repository, never)).toHaveLength(1)
    expect(fallbacks).toEqual([`listWorkflows: ${reason}`])
    if (fault === 'crash' && transport === 'http') return
    place.behave(null)
    // Connected again, if it had to be.
    await expect
      .poll(async () => {
        fallbacks = []
        await actions.listWorkflows(repository, never)
        return fallbacks
      })
      .toEqual([])
  },
  30_000,
)

it('reads by the API where GitHub refuses the tool, and says what GitHub says', async () => {
  const place = await placeMcpServer({ api: standIn.url, generation: 'grouped', transport: 'http' })
  const actions = open(place)
  const failure = await failureOf(actions.listArtifacts(repository, 404, never))
  expect(failure.reason).toBe('missing')
  expect(fallbacks).toEqual(['listArtifacts: tool_error'])
})

it.each(['crash-after', 'hang-after', 'garbage-after'] as const)(
  'never starts a workflow twice: %s',
  async (fault) => {
    const place = await placeMcpServer({
      api: standIn.url,
      generation: 'grouped',
      transport: 'stdio',
    })
    const actions = open(place, { timeoutMs: 3_000 })
    place.behave(fault)
    const failure = await failureOf(actions.dispatchWorkflow(repository, starting(), never))
    expect(failure.reason).toBe('away')
    expect(runsThere()).toBe(1)
    expect(fallbacks).toEqual([])
  },
  30_000,
)

it.each([
  ['no such workflow', { workflowId: 1 }, 'missing', 'Not Found'],
  ['no such ref', { ref: 'nowhere' }, 'invalid', 'No ref found for: nowhere'],
  ['an unknown input', { inputs: { colour: 'red' } }, 'invalid', 'Unexpected inputs'],
] as const)('says why nothing was started: %s', async (_, wrong, reason, message) => {
  const place = await placeMcpServer({ api: standIn.url, generation: 'single', transport: 'http' })
  const start = { ...starting(), ...wrong }
  const failure = await failureOf(open(place).dispatchWorkflow(repository, start, never))
  expect(failure).toMatchObject({ reason, message: expect.stringContaining(message) })
  expect(runsThere()).toBe(0)
  expect(fallbacks).toEqual([])
})

it('starts by the API where the server is gone since, or was never there', async () => {
  const place = await placeMcpServer({ api: standIn.url, generation: 'grouped', transport: 'http' })
  const actions = open(place)
  await actions.listWorkflows(repository, never)
  await place.stop()
  expect(await actions.dispatchWorkflow(repository, starting(), never)).not.toBeNull()
  expect(runsThere()).toBe(1)
  expect(fallbacks).toEqual(['dispatchWorkflow: unreachable'])
  const nowhere = open({ endpoint: { kind: 'stdio', command: '/nonexistent/server', args: [] } })
  expect(await nowhere.dispatchWorkflow(repository, starting(), never)).not.toBeNull()
  expect(runsThere()).toBe(2)
  expect(fallbacks).toEqual(['dispatchWorkflow: unreachable'])
})

it('is refused without its token, and works by the API', async () => {
  const place = await placeMcpServer({ api: standIn.url, generation: 'grouped', transport: 'http' })
  expect(await open(place, { token: null }).listWorkflows(repository, never)).toHaveLength(1)
  expect(fallbacks).toEqual(['listWorkflows: unreachable'])
  expect(lost).toHaveLength(1)
})

it('ends the process with the connection', async () => {
  const place = await placeMcpServer({
    api: standIn.url,
    generation: 'grouped',
    transport: 'stdio',
  })
  const actions = open(place)
  await actions.listWorkflows(repository, never)
  const pid = place.pid()
  expect(isAlive(pid)).toBe(true)
  await actions.close()
  expect(isAlive(pid)).toBe(false)
  await actions.listWorkflows(repository, never)
  expect(fallbacks).toEqual(['listWorkflows: unreachable'])
})

it('lets go of what nobody waits for any more', async () => {
  const place = await placeMcpServer({
    api: standIn.url,
    generation: 'grouped',
    transport: 'stdio',
  })
  const actions = open(place)
  await actions.listWorkflows(repository, never)
  place.behave('hang')
  const leaving = new AbortController()
  const asked = actions.listWorkflows(repository, leaving.signal)
  leaving.abort(new Error('gone'))
  await expect(asked).rejects.toThrow('gone')
  expect(fallbacks).toEqual([])
})
