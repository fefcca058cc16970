// From a delivery of GitHub's webhook to whoever listens, and what a scrape shows of it.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { signDelivery } from '../support/github/deliver.ts'
import { workflowJobOf, workflowRunOf } from '../support/github/workflows.ts'
import { parseMetrics, valueOf } from '../support/parse-metrics.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { connectSocket } from '../support/socket-client.ts'

const secret = 'a secret that GitHub knows'
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({
    GITHUB_WEBHOOK_SECRET: secret,
    SLIPWAY_ANONYMOUS_STATUS: 'true',
  })
})
afterAll(() => server.close())

async function deliver(event: string, payload: object): Promise<void> {
  const { headers, body } = signDelivery(secret, event, payload)
  const url = new URL('/api/v2/webhooks/github', server.url)
  expect((await fetch(url, { method: 'POST', headers, body })).status).toBeLessThan(300)
}

it('tells what GitHub delivers, whatever is delivered twice or late', async () => {
  const client = await connectSocket(`${server.url}/ws`)
  await client.ask({ type: 'phase2.subscribe', channels: ['pipelines'] }, 'phase2.subscribed')
  const repository = 'acme/shop'
  const run = { repository, id: 11 }
  const job = { repository, id: 21, runId: 11 }
  await deliver('workflow_run', workflowRunOf('requested', run))
  await deliver('workflow_run', workflowRunOf('in_progress', run))
  await deliver('workflow_job', workflowJobOf('in_progress', job))
  await deliver('workflow_job', workflowJobOf('completed', { ...job, conclusion: 'failure' }))
  await deliver('workflow_run', workflowRunOf('completed', { ...run, conclusion: 'failure' }))
  await deliver('workflow_run', workflowRunOf('in_progress', run))
  await deliver('workflow_job', workflowJobOf('in_progress', job))
  await deliver('workflow_run', workflowRunOf('completed', { repository, id: 12 }))
  await client.take(({ event }) => event === 'pipeline:completed')
  const told = client.messages
    .filter(({ type, event }) => {
      return type === 'phase2.event' && !/metrics|summary/.test(String(event))
    })
    .map(({ event, data }) => [event, data])
  const about = { repository, workflow: 'CI', branch: 'main', actor: 'alice' }
  const step = { repository, runId: 11, jobId: 21, stepName: 'Test' }
  expect(told).toEqual([
    ['pipeline:started', { ...about, runId: 11 }],
    ['pipeline:step-update', { ...step, stepStatus: 'in_progress', stepConclusion: null }],
    ['pipeline:step-update', { ...step, stepStatus: 'completed', stepConclusion: 'failure' }],
    [
      'pipeline:failed',
      {
        ...about,
        runId: 11,
        status: 'failure',
        conclusion: 'failure',
        duration: 300,
        error: 'The step Test of the job build failed',
        failedStep: 'Test',
      },
    ],
    [
      'pipeline:completed',
      { ...about, runId: 12, status: 'success', conclusion: 'success', duration: 300 },
    ],
  ])
})

it('is shown by the metrics: sockets, deliveries, runs, and the answers given', async () => {
  const client = await connectSocket(`${server.url}/ws`)
  await client.ask({ type: 'ping' }, 'pong')
  const answer = await server.request('GET', '/metrics')
  const families = parseMetrics(await answer.text())
  expect(valueOf(families, 'slipway_sockets')).toBe(1)
  expect(valueOf(families, 'slipway_workflow_runs_total', { status: 'failed' })).toBe(1)
  expect(valueOf(families, 'slipway_workflow_runs_total', { status: 'completed' })).toBe(1)
  expect(valueOf(families, 'slipway_github_delivery_lag_seconds_count')).toBeGreaterThan(0)
  expect(valueOf(families, 'slipway_monitored_repositories')).toBe(1)
  const webhook = { method: 'POST', route: '/api/v2/webhooks/github' }
  const answered = families
    .get('slipway_http_requests_total')
    ?.samples.filter(({ labels }) => labels['route'] === webhook.route)
  expect(answered?.map(({ value }) => value)).toEqual([8])
})
