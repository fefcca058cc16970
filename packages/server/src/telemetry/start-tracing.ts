import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind as OtelKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer as OtelTracer,
} from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { TracingConfig } from '../config/tracing.ts'
import {
  isTraceparent,
  kindOfError,
  type Span,
  type SpanKind,
  type SpanOptions,
} from '../correlation.ts'
import { chooseSampler } from './choose-sampler.ts'
import { createExporter } from './create-exporter.ts'
import type { OpenedTracer, TracerDeps } from './opened-tracer.ts'

/** Spans that wait to be handed on; of more, the newest are given up. */
const queueLength = 2_048
/** Spans in one request. */
const batchLength = 512
/** Milliseconds that a span waits at most before it is handed on. */
const delayMs = 2_000
/** Milliseconds that a stop waits for what is left. */
const closeMs = 3_000

/** See `openTracer`: only here is anything of OpenTelemetry loaded. */
export async function startTracing(
  deps: TracerDeps,
  options: TracingConfig,
): Promise<OpenedTracer> {
  const exporter = await createExporter(deps, options)
  const batches = new BatchSpanProcessor({
    exporter,
    maxQueueSize: queueLength,
    maxExportBatchSize: batchLength,
    scheduledDelayMillis: delayMs,
    exportTimeoutMillis: options.timeoutMs,
  })
  const provider = new TracerProvider({
    sampler: chooseSampler(options.sampler),
    resource: resourceFromAttributes({
      'service.version': deps.version,
      ...options.resource,
      'service.name': options.serviceName,
    }),
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span) => {
          const { traceFlags } = span.spanContext()
          if ((traceFlags & TraceFlags.SAMPLED) !== 0) deps.figures.spans('ended', 1)
        },
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
      batches,
    ],
  })
  const tracer = provider.getTracer('slipway', deps.version)
  let closed: Promise<void> | undefined
  return {
    tracer: {
      start: (name, { parent, ...span }) => begin(tracer, contextOf(parent), name, span),
    },
    close: () => (closed ??= withinDeadline(provider.shutdown())),
  }
}

function begin(tracer: OtelTracer, parent: Context, name: string, options: SpanOptions): Span {
  const { kind = 'internal', attributes } = options
  const span = tracer.startSpan(
    name,
    { kind: kinds[kind], ...(attributes === undefined ? {} : { attributes }) },
    parent,
  )
  return describe(tracer, span)
}

function describe(tracer: OtelTracer, span: OtelSpan): Span {
  const { traceId, spanId, traceFlags } = span.spanContext()
  const flags = (traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'
  return {
    traceId,
    spanId,
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    set: (attributes) => void span.setAttributes(attributes),
    fail(error) {
      span.setAttribute('error.type', kindOfError(error))
      span.setStatus({ code: SpanStatusCode.ERROR })
    },
    child: (name, options = {}) => begin(tracer, trace.setSpan(ROOT_CONTEXT, span), name, options),
    end: () => span.end(),
  }
}

const kinds: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
}

function contextOf(parent: string | null): Context {
  if (parent === null || !isTraceparent(parent)) return ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = '00'] = parent.split('-')
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    traceState: createTraceState(),
    isRemote: true,
  })
}

async function withinDeadline(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeMs)))
  await Promise.race([work.catch(() => undefined), late])
  clearTimeout(timer)
}
