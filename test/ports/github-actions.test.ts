// The port github-actions by octokit, against a stand-in that is held to GitHub's published API description.
import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createOctokitActions } from '../../packages/server/src/adapters/github/octokit/actions.ts'
import { callGitHub } from '../../packages/server/src/adapters/github/octokit/call-github.ts'
import { GitHubError } from '../../packages/server/src/ports/github.ts'
import type { RequestBudget } from '../../packages/server/src/ports/github-actions.ts'
import {
  type Behaviour,
  garbage,
  type GitHubStandIn,
  limits,
  refusal,
  startGitHubStandIn,
} from '../support/github/stand-in.ts'
import type { KnownCredential } from '../support/github/tokens.ts'

const token = 'ghp_a_token_nobody_may_see'
const repository = 'acme/shop'
const never = new AbortController().signal
const all = { perPage: 100 }
let standIn: GitHubStandIn
let requests: (number | null)[]
let budgets: RequestBudget[]

async function standInFor(credential: KnownCredential): Promise<GitHubStandIn> {
  const started = await startGitHubStandIn(credential)
  onTestFinished(async () => {
    await started.close()
    expect(started.violations).toEqual([])
  })
  return started
}
function open(more: { timeoutMs?: number } = {}, credential?: { appId: string; key: string }) {
  requests = []
  budgets = []
  return createOctokitActions(
    callGitHub({
      apiUrl: standIn.url,
      credential:
        credential === undefined
          ? { kind: 'token', token }
          : { kind: 'app', appId: credential.appId, privateKey: credential.key },
      version: '1.2.3',
      observe: {
        request: (status) => void requests.push(status),
        budget: (budget) => void budgets.push(budget),
      },
      ...more,
    }),
  )
}
async function failureOf(promise: Promise<unknown>): Promise<GitHubError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(GitHubError)
  const failure = error as GitHubError
  expect(`${failure.message} ${JSON.stringify(failure)}`).not.toContain(token)
  return failure
}
/** Does something else with the first request of an operation only. */
function once(behaviour: Behaviour): Behaviour {
  let done = false
  return (request) => {
    const fault = done ? undefined : behaviour(request)
    done ||= fault !== undefined
    return fault
  }
}
const listAll = async (actions: ReturnType<typeof open>) => {
  const found: string[] = []
  for await (const page of actions.listRepositories(never)) {
    found.push(...page.map(({ fullName }) => fullName))
  }
  return found
}

describe('a token', () => {
  beforeEach(async () => {
    standIn = await standInFor({ token })
    standIn.actions.addRepository(repository, { id: 77, default_branch: 'trunk' })
  })

  it('sees repositories over all pages, and their workflows', async () => {
    for (let n = 0; n < 130; n++) standIn.actions.addRepository(`acme/lib-${n}`, { workflows: [] })
    const actions = open()
    expect(await listAll(actions)).toHaveLength(131)
    expect(await actions.getRepository(repository, never)).toEqual({
      id: 77,
      fullName: repository,
      defaultBranch: 'trunk',
    })
    expect(await actions.listWorkflows(repository, never)).toEqual([
      { id: expect.any(Number), name: 'CI', path: '.github/workflows/ci.yml', state: 'active' },
    ])
    const counted = await actions.countWorkflows(repository, null, never)
    expect(counted).toMatchObject({ changed: true, value: 1 })
    const etag = counted.changed ? counted.etag : null
    expect(await actions.countWorkflows(repository, etag, never)).toEqual({ changed: false })
    expect((await failureOf(actions.getRepository('acme/none', never))).reason).toBe('missing')
  })

  it('lists runs, and says for nothing that none has changed', async () => {
    const actions = open()
    expect(await actions.listRuns(repository, all, never)).toMatchObject({
      value: { total: 0, runs: [], repository: null },
    })
    standIn.actions.putRun(repository, { id: 1, created_at: '2026-01-01T00:00:00Z' })
    standIn.actions.putRun(repository, {
      id: 2,
      created_at: '2026-01-02T00:00:00Z',
      event: 'workflow_dispatch',
      status: 'completed',
      conclusion: 'success',
      updated_at: '2026-01-02T00:03:00Z',
    })
    const first = await actions.listRuns(repository, all, never)
    expect(first).toMatchObject({
      changed: true,
      value: {
        total: 2,
        repository: { id: 77, fullName: repository },
        runs: [
          {
            id: 2,
            workflowName: 'CI',
            workflowPath: '.github/workflows/ci.yml',
            githubStatus: 'completed',
            conclusion: 'success',
            commitMessage: 'Add new feature',
            actor: 'octocat',
            url: `${standIn.url}/acme/shop/actions/runs/2`,
          },
          { id: 1, githubStatus: 'queued', conclusion: null },
        ],
      },
    })
    const etag = first.changed ? first.etag : null
    expect(await actions.listRuns(repository, { ...all, etag }, never)).toEqual({ changed: false })
    expect(requests).toEqual([200, 200, 304])
    expect(budgets.map(({ remaining }) => remaining)).toEqual([4999, 4998, 4998])
    expect(actions.budget()).toMatchObject({ limit: 5000, remaining: 4998 })
    standIn.actions.putRun(repository, { id: 1, status: 'in_progress' })
    expect(await actions.listRuns(repository, { ...all, etag }, never)).toMatchObject({
      changed: true,
    })
    const [from, to] = [new Date('2026-01-01T12:00:00Z'), new Date('2026-01-02T00:00:00Z')]
    const created = { perPage: 100, created: { from, to } }
    expect(await actions.listRuns(repository, created, never)).toMatchObject({
      value: { total: 1, runs: [{ id: 2 }] },
    })
    const dispatched = { perPage: 100, event: 'workflow_dispatch' }
    expect(await actions.listRuns(repository, dispatched, never)).toMatchObject({
      value: { runs: [{ id: 2 }] },
    })
  })

  it('reads a run, its attempts, jobs over all pages, and artifacts', async () => {
    const job = (id: number) => ({
      id,
      name: `job ${id}`,
      status: 'completed',
      conclusion: 'success',
      created_at: '2026-01-02T00:00:00Z',
      started_at: '2026-01-02T00:01:00Z',
      completed_at: '2026-01-02T00:02:00Z',
      steps: [],
    })
    standIn.actions.putRun(repository, {
      id: 1,
      run_attempt: 2,
      jobs: { 1: [job(9)], 2: Array.from({ length: 150 }, (_, n) => job(100 + n)) },
      artifacts: [{ id: 5, name: 'report', size_in_bytes: 1234 }],
      earlier: [
        {
          run_attempt: 1,
          conclusion: 'failure',
          run_started_at: '2026-01-01T00:00:00Z',
          updated_at: '2026-01-01T00:09:00Z',
        },
      ],
    })
    const actions = open()
    const run = await actions.getRun(repository, { runId: 1, etag: null }, never)
    expect(run).toMatchObject({ changed: true, value: { id: 1, attempt: 2 } })
    const known = { runId: 1, etag: run.changed ? run.etag : null }
    expect(await actions.getRun(repository, known, never)).toEqual({ changed: false })
    expect(await actions.getRunAttempt(repository, { runId: 1, attempt: 1 }, never)).toMatchObject({
      attempt: 1,
      conclusion: 'failure',
    })
    const jobs = await actions.listJobs(repository, { runId: 1, attempt: 2, etag: null }, never)
    expect(jobs).toMatchObject({ changed: true, etag: null })
    expect(jobs.changed && jobs.value.map(({ id }) => id)).toHaveLength(150)
    const few = await actions.listJobs(repository, { runId: 1, attempt: 1, etag: null }, never)
    expect(few).toMatchObject({ value: [{ id: 9, runId: 1, attempt: 1, name: 'job 9' }] })
    const asked = { runId: 1, attempt: 1, etag: few.changed ? few.etag : null }
    expect(await actions.listJobs(repository, asked, never)).toEqual({ changed: false })
    expect(await actions.listArtifacts(repository, 1, never)).toMatchObject([
      { id: 5, name: 'report', size_in_bytes: 1234, expired: false },
    ])
  })

  it('follows a repository to its new name', async () => {
    standIn.actions.putRun(repository, { id: 1 })
    standIn.actions.rename(repository, 'acme/store')
    expect(await open().listRuns(repository, all, never)).toMatchObject({
      value: { repository: { id: 77, fullName: 'acme/store' }, runs: [{ id: 1 }] },
    })
  })

  it('starts a workflow once, a second after the one before, and says which run it is', async () => {
    const [workflow] = standIn.actions.repositories[0]?.workflows ?? []
    const start = { workflowId: workflow?.id ?? 0, ref: 'main', inputs: { debug: 'true' } }
    const actions = open()
    const begun = performance.now()
    const run = await actions.dispatchWorkflow(repository, start, never)
    expect(run).toEqual({
      runId: expect.any(Number),
      url: `${standIn.url}/acme/shop/actions/runs/${run?.runId}`,
    })
    standIn.actions.tellsRuns = false
    expect(await actions.dispatchWorkflow(repository, start, never)).toBeNull()
    expect(performance.now() - begun).toBeGreaterThan(950)
    expect(standIn.seen[0]?.body).toEqual({
      ref: 'main',
      inputs: { debug: 'true' },
      return_run_details: true,
    })
    expect(standIn.actions.repositories[0]?.runs.size).toBe(2)
  })

  it('starts one where GitHub does not know how to say which run it is', async () => {
    const [workflow] = standIn.actions.repositories[0]?.workflows ?? []
    standIn.behave(({ body }) =>
      Object.hasOwn(body as object, 'return_run_details')
        ? refusal(422, '"return_run_details" is not a permitted key.')
        : undefined,
    )
    const start = { workflowId: workflow?.id ?? 0, ref: 'main', inputs: {} }
    expect(await open().dispatchWorkflow(repository, start, never)).toBeNull()
    expect(standIn.actions.repositories[0]?.runs.size).toBe(1)
  })

  it.each([
    ['no such workflow', { workflowId: 1 }, 'missing', 'Not Found'],
    ['no such ref', { ref: 'nowhere' }, 'invalid', 'No ref found for: nowhere'],
    ['an unknown input', { inputs: { colour: 'red' } }, 'invalid', 'Unexpected inputs'],
  ] as const)('says why nothing was started: %s', async (_, wrong, reason, message) => {
    const [workflow] = standIn.actions.repositories[0]?.workflows ?? []
    const start = { workflowId: workflow?.id ?? 0, ref: 'main', inputs: {}, ...wrong }
    const failure = await failureOf(open().dispatchWorkflow(repository, start, never))
    expect(failure).toMatchObject({ reason, message: expect.stringContaining(message) })
  })

  it.each([
    ['hangs up', { kind: 'hang up' }, 'away'],
    ['loses the answer', { kind: 'lose the answer' }, 'away'],
    ['fails', refusal(502, 'Server Error'), 'away'],
    ['is limited', limits.secondary(30), 'limited'],
    ['refuses', refusal(403, 'Resource not accessible by personal access token'), 'refused'],
  ] as const)('never sends a start again where GitHub %s', async (_, fault, reason) => {
    const [workflow] = standIn.actions.repositories[0]?.workflows ?? []
    standIn.behave(() => fault)
    const start = { workflowId: workflow?.id ?? 0, ref: 'main', inputs: {} }
    const failure = await failureOf(open().dispatchWorkflow(repository, start, never))
    expect(failure.reason).toBe(reason)
    expect(standIn.seen).toHaveLength(1)
  })

  it.each([
    ['hangs up', { kind: 'hang up' }],
    ['fails', refusal(502, 'Server Error')],
    ['answers garbage', garbage],
    ['answers half a page', { kind: 'answer', status: 200, body: '{"total_count":1,"workfl' }],
  ] as const)('sends a read again where GitHub %s', async (_, fault) => {
    standIn.actions.putRun(repository, { id: 1 })
    standIn.behave(once(() => fault))
    expect(await open().listRuns(repository, all, never)).toMatchObject({ value: { total: 1 } })
    expect(standIn.seen).toHaveLength(2)
  })

  it('hands on nothing of a page that is not whole, however often it comes', async () => {
    const answers = [
      {},
      { total_count: 1, workflow_runs: [{ id: 1 }] },
      { total_count: 'many', workflow_runs: [] },
      null,
    ]
    let count = 0
    standIn.behave(() => ({
      kind: 'answer',
      status: 200,
      body: JSON.stringify(answers[count++ % answers.length]),
    }))
    expect((await failureOf(open().listRuns(repository, all, never))).reason).toBe('away')
    expect(count).toBe(3)
    standIn.behave(() => ({
      kind: 'answer',
      status: 200,
      body: JSON.stringify({ total_count: 5, jobs: [] }),
    }))
    const jobs = open().listJobs(repository, { runId: 1, attempt: 1, etag: null }, never)
    expect((await failureOf(jobs)).reason).toBe('away')
  })

  it('asks nothing more until a limit has passed', async () => {
    standIn.behave(() => limits.secondary(30))
    const actions = open()
    const failure = await failureOf(actions.listRuns(repository, all, never))
    expect(failure).toMatchObject({ reason: 'limited', retryAfterMs: 30_000 })
    standIn.behave(null)
    expect((await failureOf(actions.getRepository(repository, never))).reason).toBe('limited')
    expect(standIn.seen).toHaveLength(1)
  })

  it('asks a GitHub that is too busy nothing before the time it says', async () => {
    const headers = { 'retry-after': '20' }
    standIn.behave(() => ({ kind: 'answer', status: 503, headers, body: '{"message":"Busy"}' }))
    const actions = open()
    const failure = await failureOf(actions.listRuns(repository, all, never))
    expect(failure).toMatchObject({ reason: 'limited', retryAfterMs: 20_000 })
    expect((await failureOf(actions.getRepository(repository, never))).reason).toBe('limited')
    expect(standIn.seen).toHaveLength(1)
  })

  it('knows when the hour’s requests are spent', async () => {
    standIn.budget.remaining = 1
    const actions = open()
    await actions.listRuns(repository, all, never)
    expect(actions.budget()?.remaining).toBe(0)
    const failure = await failureOf(actions.listRuns(repository, all, never))
    expect(failure.reason).toBe('limited')
    expect(failure.retryAfterMs).toBeGreaterThan(3_000_000)
  })

  it('gives a GitHub up that never answers', async () => {
    standIn.behave(() => ({ kind: 'never answer' }))
    const actions = open({ timeoutMs: 200 })
    expect((await failureOf(actions.listRuns(repository, all, never))).reason).toBe('away')
    const leaving = new AbortController()
    const asked = actions.listRuns(repository, all, leaving.signal)
    leaving.abort(new Error('gone'))
    await expect(asked).rejects.toThrow('gone')
  })
})

it('sees as a GitHub App what it is installed on', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  standIn = await standInFor({ appId: '123', publicKey, tokens: [] })
  standIn.actions.addRepository(repository)
  standIn.actions.putRun(repository, { id: 1 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const actions = open({}, { appId: '123', key })
  expect(await listAll(actions)).toEqual([repository])
  expect(await actions.listRuns(repository, all, never)).toMatchObject({ value: { total: 1 } })
})
