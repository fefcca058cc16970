// Traces of a real server, as a receiver of OTLP sees them, and the ids in its logs.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListDeploymentsResponse } from '@slipway/contract/deployments'
import type { CreateRunResponse, Run } from '@slipway/contract/runs'
import { afterEach, describe, expect, it } from 'vitest'
import { createRepository } from '../support/git-repository.ts'
import {
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
} from '../support/otlp-receiver.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startTarget } from '../support/webhook-target.ts'

const name = 'acme/shop'
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
const secret = 'correct-horse-battery-staple'

let server: TestServer
afterEach(() => server.close())

async function start(receiver: { url: string }, more: Record<string, string> = {}) {
  server = await startTestServer({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    SLIPWAY_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8',
    SLIPWAY_LOG_LEVEL: 'debug',
    ...more,
  })
}

/** A commit whose run has steps, one of which is given a secret, and a release that is deployed unasked. */
async function commitShop(steps: object[]): Promise<string> {
  const repository = await createRepository(server.repositories, name)
  return repository.commit({
    '.forge/repo.json': JSON.stringify({
      forgeVersion: 1,
      tagging: { strategy: 'monorepo' },
      phases: { check: {} },
    }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      phases: { check: { steps } },
      release: { on: [{ branch: 'main' }] },
      deploy: {
        resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'api' }, data: {} }],
      },
    }),
  })
}

async function postRun(commit: string, headers: Record<string, string>): Promise<string> {
  const body = { repository: name, branch: 'main', commit_sha: commit, trigger_type: 'push' }
  const { id } = await server.json<CreateRunResponse>('POST', '/v1/runs', { body, headers })
  return id
}

async function deployed(): Promise<void> {
  const find = async () => {
    const { deployments } = await server.json<ListDeploymentsResponse>('GET', '/v1/deployments')
    return deployments[0]?.status
  }
  await expect.poll(find, { timeout: 30_000 }).toBe('active')
}

const named = (spans: readonly ReceivedSpan[], wanted: string) => {
  const span = spans.find((one) => one.name === wanted)
  if (span === undefined) {
    throw new Error(`no ${wanted} among ${spans.map((one) => one.name).join(', ')}`)
  }
  return span
}

/** Names of the spans from the root of the trace down to this one. */
function wayTo(receiver: OtlpReceiver, span: ReceivedSpan): string[] {
  const above = receiver.spans.find(({ spanId }) => spanId === span.parentSpanId)
  return [...(above === undefined ? [] : wayTo(receiver, above)), span.name]
}

const lines = () =>
  server.output
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('a run', () => {
  it('is one trace from the request to the deployment and what webhooks are told of it', async () => {
    const receiver = await startOtlpReceiver()
    const directory = await temporaryDirectory()
    const config = join(directory, 'slipway.yaml')
    await writeFile(config, 'environments:\n  staging: { autoDeploy: true }\n')
    await start(receiver, {
      SLIPWAY_CONFIG: config,
      OTEL_SERVICE_NAME: 'shipyard',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test%20bench',
      OTEL_EXPORTER_OTLP_HEADERS: `x-receiver=${encodeURIComponent('key with space')}`,
    })
    const target = await startTarget()
    const events = ['pipeline.run.completed', 'deployment.completed']
    await server.json('POST', '/v1/webhooks', { body: { url: target.url, events } })
    const scope = encodeURIComponent(name)
    await server.request('PUT', `/v1/secrets/${scope}/PASSWORD`, { body: { value: secret } })
    const commit = await commitShop([
      { name: 'say', run: `echo "trace=$TRACEPARENT $PASSWORD ${secret}"`, secrets: ['PASSWORD'] },
      { name: 'fail-softly', run: 'true', needs: ['say'] },
    ])
    const id = await postRun(commit, { traceparent, 'x-request-id': 'asked-by-a-test' })
    const run: Run = await finishedRun(server, id)
    expect(run.status).toBe('success')
    await deployed()
    await expect.poll(() => target.received.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)
    const told = await logOf(server, stepNamed(run, 'say'))
    await server.stop()

    const spans = receiver.spans.filter((span) => span.traceId === traceId)
    const root = named(spans, 'POST /v1/runs')
    expect(root).toMatchObject({ parentSpanId: '00f067aa0ba902b7', kind: 2, failed: false })
    expect(root.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/runs',
      'http.response.status_code': 201,
      'slipway.request_id': 'asked-by-a-test',
    })
    // Whoever looks at any of them finds the way back to the request.
    for (const span of spans) expect(wayTo(receiver, span)[0], span.name).toBe('POST /v1/runs')
    const task = named(spans, 'job task')
    expect(task.attributes).toMatchObject({ 'slipway.run_id': id, 'slipway.attempt': 1 })
    expect(wayTo(receiver, task)).toContain('job discovery')
    const step = named(spans, 'step say')
    expect(step.parentSpanId).toBe(task.spanId)
    expect(step.attributes).toMatchObject({
      'slipway.step': 'say',
      'slipway.phase': 'check',
      'process.exit.code': 0,
    })
    expect(told).toContain(`trace=00-${traceId}-${step.spanId}-01`)
    for (const wanted of [
      'git fetch',
      'transaction',
      'oci push',
      'job release',
      'job deployment',
    ]) {
      named(spans, wanted)
    }
    expect(wayTo(receiver, named(spans, 'git push'))).toContain('deployment')
    const delivery = named(spans, 'webhook deployment.completed')
    expect(delivery).toMatchObject({ kind: 3, failed: false })
    const about = (type: string) => target.received.find(({ event }) => event.event_type === type)
    expect(about('deployment.completed')?.headers['traceparent']).toBe(
      `00-${traceId}-${delivery.spanId}-01`,
    )

    expect(receiver.resource()).toMatchObject({
      'service.name': 'shipyard',
      'deployment.environment.name': 'test bench',
    })
    expect(receiver.headers()['x-receiver']).toBe('key with space')
    // Neither a secret, nor a command, nor a credential.
    for (const word of [secret, server.token, 'echo', 'PASSWORD', 'Bearer']) {
      expect(receiver.text(), word).not.toContain(word)
    }

    const ofTask = lines().filter((line) => line['job_id'] === task.attributes['slipway.job_id'])
    expect(ofTask.length).toBeGreaterThan(0)
    for (const line of ofTask) {
      expect(line).toMatchObject({
        request_id: 'asked-by-a-test',
        run_id: id,
        trace_id: traceId,
        level: 'DEBUG',
      })
    }
    expect(lines().find((line) => line['step_id'] !== undefined)).toMatchObject({
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown,
    })
  }, 120_000)
})

describe('the sampler', () => {
  it('keeps nothing of a trace that its caller does not keep, and steps are told so', async () => {
    const receiver = await startOtlpReceiver()
    await start(receiver)
    const commit = await commitShop([{ name: 'say', run: 'echo "trace=$TRACEPARENT"' }])
    const unsampled = traceparent.replace(/01$/, '00')
    const run = await finishedRun(server, await postRun(commit, { traceparent: unsampled }))
    expect(await logOf(server, stepNamed(run, 'say'))).toMatch(
      new RegExp(`trace=00-${traceId}-[0-9a-f]{16}-00`),
    )
    await server.stop()
    expect(receiver.spans.filter((span) => span.traceId === traceId)).toEqual([])
    // Other requests were of traces of their own.
    expect(receiver.spans.map((span) => span.name)).toContain('GET /v1/runs/:id')
  }, 60_000)

  it('that keeps nothing sends nothing', async () => {
    const receiver = await startOtlpReceiver()
    await start(receiver, { OTEL_TRACES_SAMPLER: 'always_off' })
    await server.json('GET', '/v1/runs?repository=acme/shop')
    await server.stop()
    expect(receiver.requests()).toBe(0)
  }, 60_000)
})

it('traces nothing, and tells steps of no trace, where no endpoint is set', async () => {
  server = await startTestServer({})
  const commit = await commitShop([{ name: 'say', run: 'echo "trace=${TRACEPARENT-none}"' }])
  const run = await finishedRun(server, await postRun(commit, { traceparent }))
  expect(await logOf(server, stepNamed(run, 'say'))).toContain('trace=none')
}, 60_000)

describe.each([
  ['is not there', null],
  [
    'fails',
    (response: { writeHead(status: number): { end(): void } }) => response.writeHead(500).end(),
  ],
  ['never answers', () => undefined],
] as const)('a receiver that %s', (_how, respond) => {
  it('does no harm: runs end as ever, the server stops in time, and says so once', async () => {
    const receiver =
      respond === null ? { url: 'http://127.0.0.1:1' } : await startOtlpReceiver(respond)
    await start(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: '500' })
    const commit = await commitShop([{ name: 'say', run: 'echo done' }])
    for (let n = 0; n < 2; n++) {
      expect((await finishedRun(server, await startRun(server, name, commit))).status).toBe(
        'success',
      )
    }
    const complaints = () => lines().filter(({ msg }) => String(msg).startsWith('traces could not'))
    await expect.poll(complaints, { timeout: 15_000 }).toHaveLength(1)
    const metrics = await (await server.request('GET', '/metrics')).text()
    expect(metrics).toMatch(/slipway_trace_spans_total\{outcome="failed"\} [1-9]/)
    expect(await server.stop()).toBe(0)
    expect(complaints()).toHaveLength(1)
  }, 60_000)
})
