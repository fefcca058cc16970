import { Counter, Histogram, type Registry } from 'prom-client'

export interface RequestFigures {
  /** `route` is the pattern of the route, or `none`; `seconds` until the end of the answer. */
  answered(request: { method: string; route: string; status: number; seconds: number }): void
}

const labelNames = ['method', 'route', 'status'] as const

/** Methods that routes have: what a client makes up is no label. */
const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])

export function countRequests(registry: Registry): RequestFigures {
  const registers = [registry]
  const requests = new Counter({
    name: 'slipway_http_requests_total',
    help: 'Requests that were answered.',
    labelNames,
    registers,
  })
  const durations = new Histogram({
    name: 'slipway_http_request_duration_seconds',
    help: 'From the head of the request to the end of the answer; streams are as long as they last.',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  return {
    answered({ method, route, status, seconds }) {
      const labels = { method: methods.has(method) ? method : 'other', route, status }
      requests.inc(labels)
      durations.observe(labels, seconds)
    },
  }
}
