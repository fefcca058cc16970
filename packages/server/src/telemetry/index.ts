// The room of telemetry: traces, as OpenTelemetry has them. What works in their spans only knows correlation.ts.
export { openTracer, type SpanFigures } from './open-tracer.ts'
export { type HandlerFigures, traceJobs } from './trace-jobs.ts'
