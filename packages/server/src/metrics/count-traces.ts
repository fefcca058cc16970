import { Counter, type Registry } from 'prom-client'
import type { SpanFigures } from '../telemetry/index.ts'

export function countTraces(registry: Registry): SpanFigures {
  const spans = new Counter({
    name: 'slipway_trace_spans_total',
    help: 'Spans that have ended, and of these those that the receiver of traces took, or that were given up.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return { spans: (outcome, count) => spans.inc({ outcome }, count) }
}
