// From GitHub's queue to a container of a real engine, and back: a shell stands for GitHub's runner.
import type { DelegatedJob } from '@slipway/contract/delegations'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DelegationPlace, startDelegationPlace } from '../support/delegations.ts'
import { signDelivery } from '../support/github/deliver.ts'
import { type GitHubStandIn, refusal, startGitHubStandIn } from '../support/github/stand-in.ts'
import { jobOf } from '../support/monitor-ingest.ts'
import { jobEvent, repository, token } from '../support/runner-queue.ts'

const secret = 'a secret that GitHub knows'
const soon = { timeout: 30_000, interval: 100 }
/** It leaks what it can, and takes its job when the test says so. */
const script = `
echo "configured by $ACTIONS_RUNNER_INPUT_JITCONFIG"
echo "$ACTIONS_RUNNER_INPUT_JITCONFIG" | cut -c 1-40
sleep 1`
let github: GitHubStandIn
let place: DelegationPlace
beforeAll(async () => {
  github = await startGitHubStandIn({ token })
  github.actions.addRepository(repository, { id: 77 })
  place = await startDelegationPlace(
    [{ name: 'actions', labels: ['small'], command: ['sh', '-c', script] }],
    {
      GITHUB_API_URL: github.url,
      GITHUB_TOKEN: token,
      GITHUB_WEBHOOK_SECRET: secret,
      MONITORED_REPOSITORIES: '',
    },
  )
})
afterAll(async () => {
  await place.close()
  await github.close()
  expect(github.violations).toEqual([])
  const output = place.server.output.join('\n')
  for (const encoded of github.runners.configurations.values()) {
    expect(output).not.toContain(encoded)
  }
})

/** GitHub has such a job, and tells of it. */
async function queue(id: number): Promise<void> {
  const labels = ['self-hosted', 'small']
  const waiting = { status: 'queued', conclusion: null, completed_at: null, runner_name: null }
  github.actions.putRun(repository, {
    id: id + 1_000,
    jobs: { 1: [jobOf(id, { ...waiting, labels })] },
  })
  const { headers, body } = signDelivery(secret, 'workflow_job', jobEvent('queued', { id }))
  const url = new URL('/v1/webhooks/github', place.server.url)
  expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(202)
}
/** Its runner has done it: nobody makes another one. */
function finish(id: number): void {
  const job = jobOf(id, { runner_name: 'one of ours' })
  const ended = { status: 'completed', conclusion: 'success' }
  github.actions.putRun(repository, { id: id + 1_000, ...ended, jobs: { 1: [job] } })
}
const jobs = async (query = '') =>
  (await place.server.json<{ data: DelegatedJob[] }>('GET', `/api/jobs?limit=100${query}`)).data
const delegated = async (id: number) =>
  (await jobs()).find(({ githubJobId }) => githubJobId === id) ?? null

it('runs a job of the queue in a container with a configuration that nobody sees', async () => {
  await queue(1)
  await expect.poll(() => delegated(1), soon).toMatchObject({ status: 'completed', exitCode: 0 })
  finish(1)
  const job = await delegated(1)
  const [encoded] = [...github.runners.configurations.values()]
  expect(encoded?.length).toBeGreaterThan(100)
  const log = (await place.lines(job?.id ?? '')).join('\n')
  expect(log).toMatch(/^configured by /)
  expect(log).not.toContain(encoded)
  expect(github.runners.list).toMatchObject([{ ephemeral: true, labels: ['self-hosted', 'small'] }])
})

it('starts thirty runners for thirty jobs, each with a configuration of its own', async () => {
  const ids = Array.from({ length: 30 }, (_, n) => 100 + n)
  const before = github.runners.configurations.size
  await Promise.all(ids.map(queue))
  const ended = async () =>
    (await jobs('&status=completed')).filter(({ githubJobId }) => ids.includes(githubJobId ?? 0))
  await expect.poll(async () => (await ended()).length, { ...soon, timeout: 60_000 }).toBe(30)
  ids.forEach(finish)
  expect(github.runners.configurations.size - before).toBe(30)
})

it('keeps a job waiting that GitHub gives no runner for, and runs it when it does', async () => {
  github.behave(({ operation }) =>
    operation === 'actions/generate-runner-jitconfig-for-repo' ||
    operation === 'actions/list-self-hosted-runners-for-repo'
      ? refusal(403, 'Resource not accessible by integration')
      : undefined,
  )
  for (const id of [201, 202]) await queue(id)
  const reason = expect.stringContaining('Administration (write)')
  const waiting = async () =>
    (await jobs()).filter(({ githubJobId }) => [201, 202].includes(githubJobId ?? 0))
  await expect
    .poll(async () => (await waiting()).map(({ metadata }) => metadata.reason), soon)
    .toEqual([reason, reason])
  github.behave(null)
  await expect
    .poll(async () => (await waiting()).map(({ status }) => status), { ...soon, timeout: 90_000 })
    .toEqual(['completed', 'completed'])
}, 120_000)
