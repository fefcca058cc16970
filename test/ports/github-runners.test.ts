// The port github-runners by octokit, against a stand-in that is held to GitHub's published API description.
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { callGitHub } from '../../packages/server/src/adapters/github/octokit/call-github.ts'
import { createOctokitRunners } from '../../packages/server/src/adapters/github/octokit/runners.ts'
import { GitHubError } from '../../packages/server/src/ports/github.ts'
import type { Conditional } from '../../packages/server/src/ports/github-actions.ts'
import type { GitHubRunners } from '../../packages/server/src/ports/github-runners.ts'
import {
  garbage,
  type GitHubStandIn,
  limits,
  refusal,
  startGitHubStandIn,
} from '../support/github/stand-in.ts'
import { jobOf } from '../support/monitor-ingest.ts'

const token = 'ghp_a_token_nobody_may_see'
const repository = 'acme/shop'
const never = new AbortController().signal
let standIn: GitHubStandIn
let runners: GitHubRunners

beforeEach(async () => {
  standIn = await startGitHubStandIn({ token })
  standIn.actions.addRepository(repository)
  const credential = { kind: 'token', token } as const
  const options = { apiUrl: standIn.url, credential, version: '1.2.3', timeoutMs: 2_000 }
  runners = createOctokitRunners(callGitHub(options))
  onTestFinished(async () => {
    await standIn.close()
    expect(standIn.violations).toEqual([])
  })
})

async function failureOf(promise: Promise<unknown>): Promise<GitHubError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(GitHubError)
  return error as GitHubError
}
function etagOf(answer: Conditional<unknown>): string {
  if (!answer.changed || answer.etag === null) throw new Error('there is no etag')
  return answer.etag
}
const queued = { status: 'queued', etag: null } as const
const newRunner = { name: 'slipway-1', labels: ['self-hosted', 'linux', 'gpu'] }

it('lists runs that have not ended, by their state, and says for nothing that none has changed', async () => {
  for (let id = 1; id <= 130; id++) standIn.actions.putRun(repository, { id, run_attempt: 2 })
  standIn.actions.putRun(repository, { id: 200, status: 'in_progress', event: 'pull_request' })
  standIn.actions.putRun(repository, { id: 201, status: 'completed', conclusion: 'success' })
  const many = await runners.listRuns(repository, queued, never)
  expect(many).toMatchObject({ changed: true, etag: null })
  expect(many.changed && many.value).toHaveLength(130)
  const working = { status: 'in_progress', etag: null } as const
  const first = await runners.listRuns(repository, working, never)
  expect(first).toMatchObject({
    value: [{ id: 200, attempt: 1, event: 'pull_request', actor: 'octocat' }],
  })
  const again = { ...working, etag: etagOf(first) }
  expect(await runners.listRuns(repository, again, never)).toEqual({ changed: false })
  standIn.actions.putRun(repository, { id: 200, status: 'completed', conclusion: 'failure' })
  expect(await runners.listRuns(repository, again, never)).toMatchObject({ value: [] })
})

it('takes no more than 300 runs', async () => {
  for (let id = 1; id <= 350; id++) standIn.actions.putRun(repository, { id })
  const answer = await runners.listRuns(repository, queued, never)
  expect(answer.changed && answer.value).toHaveLength(300)
})

it('tells jobs by who waits, and who took them', async () => {
  const at = '2026-01-02T10:00:00Z'
  const waiting = { runner_name: null, created_at: at, completed_at: null, conclusion: null }
  standIn.actions.putRun(repository, {
    id: 1,
    run_attempt: 2,
    head_branch: 'topic',
    jobs: {
      2: [
        jobOf(11, { ...waiting, status: 'queued', labels: ['self-hosted', 'gpu'] }),
        jobOf(12, { ...waiting, status: 'waiting' }),
        jobOf(13, { status: 'in_progress', conclusion: null, runner_name: 'slipway-1' }),
        jobOf(14, { ...waiting, status: 'completed', conclusion: 'cancelled' }),
      ],
    },
  })
  const asked = { runId: 1, attempt: 2, etag: null }
  const jobs = await runners.listJobs(repository, asked, never)
  expect(jobs).toMatchObject({
    value: [
      {
        id: 11,
        runId: 1,
        attempt: 2,
        name: 'build',
        state: 'queued',
        conclusion: null,
        queuedAt: new Date(at),
        runnerName: null,
        labels: ['self-hosted', 'gpu'],
        branch: 'topic',
        sha: 'acb5820ced9479c074f688cc328bf03f341a511d',
      },
      { id: 12, state: 'waiting' },
      { id: 13, state: 'in_progress', runnerName: 'slipway-1' },
      { id: 14, state: 'completed', conclusion: 'cancelled', runnerName: null },
    ],
  })
  const again = { ...asked, etag: etagOf(jobs) }
  expect(await runners.listJobs(repository, again, never)).toEqual({ changed: false })
  expect(await runners.getJob(repository, 13, never)).toMatchObject({ id: 13, attempt: 2 })
  expect(await runners.getJob(repository, 99, never)).toBeNull()
})

it('registers a runner for one job, once by each name, and takes it off again', async () => {
  const made = await runners.createJitConfiguration(repository, newRunner, never)
  expect(made?.encoded).toBe(standIn.runners.configurations.get('slipway-1'))
  expect(standIn.seen.at(-1)?.body).toEqual({
    name: 'slipway-1',
    runner_group_id: 1,
    labels: ['self-hosted', 'linux', 'gpu'],
    work_folder: '_work',
  })
  expect(await runners.createJitConfiguration(repository, newRunner, never)).toBeNull()
  const found = await runners.findRunner(repository, 'slipway-1', never)
  expect(found).toEqual({
    id: made?.runnerId,
    name: 'slipway-1',
    online: false,
    busy: false,
    labels: ['self-hosted', 'linux', 'gpu'],
  })
  expect(await runners.findRunner(repository, 'slipway-2', never)).toBeNull()
  const id = found?.id ?? 0
  Object.assign(standIn.runners.list[0] ?? {}, { busy: true })
  expect(await runners.deleteRunner(repository, id, never)).toBe('busy')
  Object.assign(standIn.runners.list[0] ?? {}, { busy: false })
  expect(await runners.deleteRunner(repository, id, never)).toBe('deleted')
  expect(await runners.deleteRunner(repository, id, never)).toBe('gone')
  expect(standIn.runners.list).toEqual([])
})

it('registers runners although everything else has to wait for GitHub', async () => {
  standIn.behave(({ method }) => (method === 'GET' ? { kind: 'never answer' } : undefined))
  const slow = Array.from({ length: 8 }, () => runners.getJob(repository, 1, never))
  const made = await runners.createJitConfiguration(repository, newRunner, never)
  expect(made).not.toBeNull()
  for (const one of await Promise.allSettled(slow)) expect(one.status).toBe('rejected')
})

it('lists runners over all pages, and says for nothing that none has changed', async () => {
  standIn.runners.add(repository, { name: 'box', busy: true, labels: ['self-hosted', 'X64'] })
  const first = await runners.listRunners(repository, null, never)
  expect(first).toMatchObject({
    value: [{ name: 'box', online: true, busy: true, labels: ['self-hosted', 'X64'] }],
  })
  expect(await runners.listRunners(repository, etagOf(first), never)).toEqual({ changed: false })
  for (let n = 0; n < 120; n++) standIn.runners.add(repository, { name: `box-${n}` })
  const all = await runners.listRunners(repository, etagOf(first), never)
  expect(all.changed && all.value).toHaveLength(121)
})

it('says why GitHub registers nothing, without anything secret, and never asks twice', async () => {
  const ask = () => runners.createJitConfiguration(repository, newRunner, never)
  const refusals = [
    [refusal(403, 'Resource not accessible by integration'), 'refused'],
    [refusal(404, 'Not Found'), 'missing'],
    [refusal(422, 'Validation Failed'), 'invalid'],
    [refusal(502, 'Bad Gateway'), 'away'],
    [garbage, 'away'],
    [{ kind: 'answer', status: 201, body: '{"encoded_jit_config":"secret"}' } as const, 'away'],
    [{ kind: 'hang up' } as const, 'away'],
    [{ kind: 'never answer' } as const, 'away'],
    [limits.secondary(7), 'limited'],
  ] as const
  for (const [fault, reason] of refusals) {
    const before = standIn.seen.length
    standIn.behave(() => fault)
    const failure = await failureOf(ask())
    expect(failure.reason).toBe(reason)
    expect(`${failure.message} ${JSON.stringify(failure)}`).not.toMatch(/ghp_|secret/)
    expect(standIn.seen).toHaveLength(before + 1)
  }
  standIn.behave(null)
})
