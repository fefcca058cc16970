// What a worker on another machine tells of itself: its part of a trace, its figures, and whether it is well.
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { parseMetrics, valueOf } from '../support/parse-metrics.ts'
import { startRemoteWorker } from '../support/remote-worker.ts'
import { finishedRun, startRun } from '../support/runs.ts'
import { startTestServer } from '../support/server.ts'

/** A port that nobody had a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

it('a job done elsewhere is in the trace of its request, and its worker says how it is', async () => {
  const receiver = await startOtlpReceiver()
  const tracing = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  }
  const server = await startTestServer({ ...tracing, SLIPWAY_WORKER_TYPES: '' })
  onTestFinished(() => server.close())
  const port = await freePort()
  const worker = await startRemoteWorker(server, {
    env: {
      ...tracing,
      OTEL_SERVICE_NAME: 'slipway-worker',
      SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
      SLIPWAY_LOG_LEVEL: 'debug',
      SLIPWAY_WORKER_PORT: String(port),
    },
  })
  onTestFinished(() => worker.close())
  const repository = await createRepository(server.repositories, 'acme/app')
  const commit = await repository.commit(
    oneProject([{ name: 'say', action: 'run', run: 'echo hello' }]),
  )
  const id = await startRun(server, 'acme/app', commit)
  expect(await finishedRun(server, id)).toMatchObject({ status: 'success' })

  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  expect(await (await get('/healthz')).json()).toMatchObject({ status: 'ok' })
  const metrics = parseMetrics(await (await get('/metrics')).text())
  const settled = { type: 'task', outcome: 'settled' }
  expect(valueOf(metrics, 'slipway_job_run_seconds_count', settled)).toBe(1)
  const exited = { executor: 'process', outcome: 'exited' }
  expect(valueOf(metrics, 'slipway_executor_ends_total', exited)).toBe(1)
  expect(valueOf(metrics, 'slipway_log_bytes_total')).toBe('hello\n'.length)
  const ofServer = parseMetrics(await (await server.request('GET', '/metrics')).text())
  expect(valueOf(ofServer, 'slipway_job_wait_seconds_count', { type: 'task' })).toBe(1)
  expect(ofServer.get('slipway_job_run_seconds')?.samples).toEqual([])

  worker.signal('SIGTERM')
  await worker.ended()
  await server.stop()
  const { spans } = receiver
  const root = spans.find(({ name }) => name === 'POST /v1/runs')
  const job = spans.find(({ name }) => name === 'job task')
  const step = spans.find(({ name }) => name === 'step say')
  expect(job?.traceId).toBe(root?.traceId)
  expect(step?.parentSpanId).toBe(job?.spanId)
  // What the worker asks the server for in the course of the job is part of it.
  const reports = spans.filter(
    ({ kind, parentSpanId, name }) =>
      kind === 2 &&
      name.includes('/workers') &&
      [job?.spanId, step?.spanId].includes(parentSpanId!),
  )
  expect(reports.length).toBeGreaterThan(0)
  const line = worker.output
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Record<string, unknown>)
    .find((one) => one['step_id'] !== undefined)
  expect(line).toMatchObject({
    run_id: id,
    job_id: job?.attributes['slipway.job_id'],
    request_id: root?.attributes['slipway.request_id'],
    trace_id: root?.traceId,
  })
}, 90_000)
