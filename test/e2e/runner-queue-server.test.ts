// A server that serves GitHub's queue: by signed deliveries, by asking, and after a kill.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DelegatedJob } from '@slipway/contract/delegations'
import type { Runner } from '@slipway/contract/runners'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { signDelivery } from '../support/github/deliver.ts'
import { type GitHubStandIn, startGitHubStandIn } from '../support/github/stand-in.ts'
import { jobOf } from '../support/monitor-ingest.ts'
import { jobEvent, repository, token } from '../support/runner-queue.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const secret = 'a secret that GitHub knows'
let github: GitHubStandIn
let server: TestServer
let folder: string

const config = `
runners:
  classes:
    - name: small
      labels: [linux, small]
      image: runner:1
      repositories: [${repository}]
`
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-test-'))
  await writeFile(join(folder, 'slipway.yaml'), config)
  github = await startGitHubStandIn({ token })
  github.actions.addRepository(repository, { id: 77 })
  github.runners.add(repository, { name: 'box' })
  const waiting = { status: 'queued', conclusion: null, completed_at: null, runner_name: null }
  github.actions.putRun(repository, {
    id: 7,
    jobs: { 1: [jobOf(71, { ...waiting, labels: ['self-hosted', 'small'] })] },
  })
  server = await startTestServer({
    SLIPWAY_CONFIG: join(folder, 'slipway.yaml'),
    GITHUB_API_URL: github.url,
    GITHUB_TOKEN: token,
    GITHUB_WEBHOOK_SECRET: secret,
    MONITORED_REPOSITORIES: '',
  })
})
afterAll(async () => {
  await server.close()
  await github.close()
  await rm(folder, { recursive: true })
  expect(github.violations).toEqual([])
  const output = server.output.join('\n')
  for (const encoded of github.runners.configurations.values()) {
    expect(output).not.toContain(encoded)
  }
  expect(output).not.toContain(token)
})

// The API of the family has a rate limit.
const soon = { timeout: 15_000, interval: 300 }
const jobs = async () =>
  (await server.json<{ data: DelegatedJob[] }>('GET', '/api/jobs?limit=100')).data
const jobOfGithub = async (id: number) =>
  (await jobs()).find(({ githubJobId }) => githubJobId === id)
async function deliver(payload: object, to = server): Promise<unknown> {
  const { headers, body } = signDelivery(secret, 'workflow_job', payload)
  const url = new URL('/v1/webhooks/github', to.url)
  return (await fetch(url, { method: 'POST', headers, body })).json()
}

it('finds by itself what GitHub has queued, and its runners', async () => {
  await expect
    .poll(() => jobOfGithub(71), soon)
    .toMatchObject({
      repository,
      runId: '7',
      labels: ['self-hosted', 'small'],
      metadata: { source: 'queue', runnerClass: 'small' },
    })
  const list = () => server.json<{ data: Runner[] }>('GET', '/api/runners?type=dedicated')
  await expect
    .poll(async () => (await list()).data, soon)
    .toMatchObject([{ name: 'box', status: 'idle', repository }])
})

it('takes a delivery, once, also one that came right before it was killed', async () => {
  const queued = jobEvent('queued', { id: 81 })
  expect(await deliver(queued)).toMatchObject({ status: 'accepted' })
  await server.kill()
  await server.restart()
  await expect
    .poll(() => jobOfGithub(81), soon)
    .toMatchObject({ workflow: 'CI', metadata: { queuedAt: '2026-01-02T10:00:00.000Z' } })
  expect(await deliver(jobEvent('queued', { id: 81, name: 'again' }))).toMatchObject({
    status: 'accepted',
  })
  await deliver(jobEvent('completed', { id: 82, conclusion: 'cancelled' }))
  await deliver(jobEvent('queued', { id: 82 }))
  await deliver(jobEvent('queued', { id: 83 }))
  await expect.poll(() => jobOfGithub(83), soon).toBeDefined()
  expect((await jobs()).filter(({ githubJobId }) => githubJobId === 81)).toHaveLength(1)
  expect(await jobOfGithub(82)).toBeUndefined()
})

it('delegates nothing of the queue where it could ask GitHub for no runner', async () => {
  const other = await startTestServer({
    SLIPWAY_CONFIG: join(folder, 'slipway.yaml'),
    GITHUB_WEBHOOK_SECRET: secret,
    MONITORED_REPOSITORIES: '',
  })
  try {
    expect(await deliver(jobEvent('queued', { id: 91 }), other)).toMatchObject({
      status: 'ignored',
    })
    expect(await other.json('GET', '/api/jobs')).toMatchObject({ data: [] })
  } finally {
    await other.close()
  }
})
