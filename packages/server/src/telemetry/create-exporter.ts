import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { TracingConfig } from '../config/tracing.ts'
import { kindOfError } from '../correlation.ts'
import type { TracerDeps } from './opened-tracer.ts'

/** Export results, as OpenTelemetry numbers them. */
const succeeded = 0

/** Posts spans by OTLP, counts what became of them, and says once when the receiver takes no more. */
export async function createExporter(
  deps: TracerDeps,
  options: TracingConfig,
): Promise<SpanExporter> {
  const inner = await createOtlp(options)
  let failing = false
  return {
    export(spans, done) {
      inner.export(spans, (result) => {
        const works = result.code === succeeded
        deps.figures.spans(works ? 'exported' : 'failed', spans.length)
        if (!works && !failing) {
          // Its message may repeat what the receiver said, and the URL may say who we are.
          const reason = kindOfError(result.error)
          deps.log.warn({ reason }, 'traces could not be handed on, and are given up meanwhile')
        }
        failing = !works
        done(result)
      })
    },
    forceFlush: async () => await inner.forceFlush?.(),
    shutdown: () => inner.shutdown(),
  }
}

async function createOtlp(options: TracingConfig): Promise<SpanExporter> {
  const { url, timeoutMs, protocol } = options
  const config = { url, headers: { ...options.headers }, timeoutMillis: timeoutMs }
  if (protocol === 'http/json') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    return new OTLPTraceExporter(config)
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter(config)
}
