// The room of telemetry: traces, as OpenTelemetry has them. What works in their spans only knows correlation.ts.
export { openTracer } from './open-tracer.ts'
export type { SpanFigures } from './opened-tracer.ts'
export { type HandlerFigures, traceJobs } from './trace-jobs.ts'
