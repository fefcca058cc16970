import type { TracingConfig } from '../config/tracing.ts'
import type { Tracer } from '../correlation.ts'
import type { Log } from '../db/log.ts'

/** Told of spans as they are handed on. Nothing here throws. */
export interface SpanFigures {
  /** So many spans ended, were taken by the receiver, or were given up. */
  spans(outcome: 'ended' | 'exported' | 'failed', count: number): void
}

export interface OpenedTracer {
  /** Null: nothing is traced. */
  tracer: Tracer | null
  /** Hands on what has ended, for at most `closeMs`. Never rejects; repeating is harmless. */
  close(): Promise<void>
}

/**
 * Opens the tracer; without options there is none, and nothing of OpenTelemetry is even loaded. Spans wait
 * in a bounded queue and are handed on in the background: a receiver that is away costs the spans, nothing else.
 */
export async function openTracer(
  deps: { log: Log; version: string; figures: SpanFigures },
  options: TracingConfig | null,
): Promise<OpenedTracer> {
  if (options === null) return { tracer: null, close: async () => undefined }
  const { startTracing } = await import('./start-tracing.ts')
  return startTracing(deps, options)
}
