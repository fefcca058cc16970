import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { inSpan, inSpanOf } from '../correlation.ts'
import type { TracingConfig } from '../config/tracing.ts'
import { openTracer } from './open-tracer.ts'
import type { SpanFigures } from './opened-tracer.ts'

const log = { info() {}, warn() {}, error() {} }
const noFigures: SpanFigures = { spans() {} }

/** A receiver that only remembers; `answer` says with which status. */
async function startReceiver(answer = () => 200) {
  const received: { type: string; path: string; size: number }[] = []
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const type = request.headers['content-type'] ?? ''
      received.push({ type, path: request.url ?? '', size: body.length })
      response.writeHead(answer()).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { received, url: `http://127.0.0.1:${port}/otlp` }
}

const optionsFor = (url: string, more: Partial<TracingConfig> = {}): TracingConfig => ({
  url,
  headers: {},
  protocol: 'http/protobuf',
  timeoutMs: 1_000,
  serviceName: 'test',
  resource: {},
  sampler: { name: 'always_on', ratio: 1 },
  ...more,
})

describe('a tracer', () => {
  it.each([
    ['http/protobuf', 'application/x-protobuf'],
    ['http/json', 'application/json'],
  ] as const)(
    'posts %s to the very address, and what is left when it is closed',
    async (protocol, type) => {
      const { received, url } = await startReceiver()
      const counted: [string, number][] = []
      const figures: SpanFigures = { spans: (...told) => void counted.push(told) }
      const { tracer, close } = await openTracer(
        { log, version: '1', figures },
        optionsFor(url, { protocol }),
      )
      await inSpanOf(tracer, null, { name: 'above', fields: {} }, () =>
        inSpan('below', {}, async () => undefined),
      )
      await close()
      await close()
      expect(received).toEqual([{ type, path: '/otlp', size: expect.any(Number) as unknown }])
      expect(counted).toEqual([
        ['ended', 1],
        ['ended', 1],
        ['exported', 2],
      ])
    },
  )

  it('gives up what is more than its queue holds, and what the receiver refuses', async () => {
    const { url } = await startReceiver(() => 400)
    const totals = { ended: 0, exported: 0, failed: 0 }
    const figures: SpanFigures = { spans: (outcome, count) => void (totals[outcome] += count) }
    const { tracer, close } = await openTracer({ log, version: '1', figures }, optionsFor(url))
    for (let n = 0; n < 10_000; n++) tracer?.start('one', { parent: null }).end()
    await close()
    expect(totals.ended).toBe(10_000)
    expect(totals.exported).toBe(0)
    expect(totals.failed).toBeLessThanOrEqual(2_048 + 512)
  })

  it.each([
    ['traceidratio', 0.5],
    ['parentbased_traceidratio', 0.5],
  ] as const)('keeps about as many as %s says', async (name, ratio) => {
    const { url } = await startReceiver()
    const { tracer, close } = await openTracer(
      { log, version: '1', figures: noFigures },
      optionsFor(url, { sampler: { name, ratio } }),
    )
    let kept = 0
    for (let n = 0; n < 2_000; n++) {
      const span = tracer?.start('one', { parent: null })
      if (span?.traceparent.endsWith('-01') === true) kept += 1
      span?.end()
    }
    await close()
    expect(kept).toBeGreaterThan(700)
    expect(kept).toBeLessThan(1_300)
  })

  it('begins a trace of its own where a caller sends nonsense', async () => {
    const { url } = await startReceiver()
    const { tracer, close } = await openTracer(
      { log, version: '1', figures: noFigures },
      optionsFor(url),
    )
    for (const parent of ['', 'x', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`]) {
      expect(tracer?.start('one', { parent }).traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
    }
    await close()
  })
})

it('is none without settings, and then nothing of OpenTelemetry is loaded', async () => {
  const { tracer, close } = await openTracer({ log, version: '1', figures: noFigures }, null)
  expect(tracer).toBeNull()
  await close()
  // Only what `start-tracing.ts` leads to names it, and that is only imported where it is needed.
  const sources = join(import.meta.dirname, '..')
  const files = (await readdir(sources, { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const text = (file: string) => readFile(join(sources, file), 'utf8')
  const naming: string[] = []
  for (const file of files) if (/from '@opentelemetry\//.test(await text(file))) naming.push(file)
  expect(naming.toSorted((a, b) => a.localeCompare(b))).toEqual([
    'telemetry/choose-sampler.ts',
    'telemetry/create-exporter.ts',
    'telemetry/start-tracing.ts',
  ])
  for (const file of files) {
    if (file === 'telemetry/start-tracing.ts') continue
    expect(await text(file), file).not.toMatch(
      /from '\.\/(start-tracing|choose-sampler|create-exporter)\.ts'/,
    )
  }
})
