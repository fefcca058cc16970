import type { TracingConfig } from '../config/tracing.ts'
import type { OpenedTracer, TracerDeps } from './opened-tracer.ts'

/**
 * Opens the tracer; without options there is none, and nothing of OpenTelemetry is even loaded. Spans wait
 * in a bounded queue and are handed on in the background: a receiver that is away costs the spans, nothing else.
 */
export async function openTracer(
  deps: TracerDeps,
  options: TracingConfig | null,
): Promise<OpenedTracer> {
  if (options === null) return { tracer: null, close: async () => undefined }
  const { startTracing } = await import('./start-tracing.ts')
  return startTracing(deps, options)
}
