import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  captureCorrelation,
  correlate,
  type Span,
  type Tracer,
  underOrigin,
  within,
} from '../correlation.ts'

/** Asked every few seconds by machines, about this process: nobody looks for these in a trace. */
const untraced: ReadonlySet<string> = new Set([
  '/health',
  '/livez',
  '/readyz',
  '/metrics',
  '/api/metrics',
])

const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])

/**
 * What a request causes, here and in jobs that go on with it, is told with its id, and is one trace: that of its
 * `traceparent`, or a new one. A span is as long as the answer, streams included.
 */
export function correlateRequests(app: FastifyInstance, tracer: Tracer | null): void {
  const captured = new WeakMap<FastifyRequest, ReturnType<typeof captureCorrelation>>()
  app.addHook('onRequest', (request, reply, done) => {
    const span = tracer === null ? null : startSpan(tracer, request)
    if (span !== null) {
      reply.raw.once('close', () => {
        const { statusCode: status } = reply.raw
        span.set({ 'http.response.status_code': status })
        if (!reply.raw.writableFinished) span.set({ 'slipway.aborted': true })
        if (status >= 500) span.fail(new Error('answered'))
        span.end()
      })
    }
    // A connection that is kept may still know of the request before.
    underOrigin(null, () =>
      correlate({ request_id: request.id }, () =>
        within(span, () => {
          captured.set(request, captureCorrelation())
          done()
        }),
      ),
    )
  })
  // A body comes by events of the connection, which know nothing of the request.
  app.addHook('preValidation', (request, _reply, done) => {
    const back = captured.get(request)
    if (back === undefined) done()
    else back(done)
  })
  app.addHook('onResponse', (request, _reply, done) => {
    const back = captured.get(request)
    if (back === undefined) done()
    else back(done)
  })
}

function startSpan(tracer: Tracer, request: FastifyRequest): Span | null {
  const route = (request.is404 ? undefined : request.routeOptions.url) ?? 'none'
  if (untraced.has(route)) return null
  // What a client makes up is no name.
  const method = methods.has(request.method) ? request.method : '_OTHER'
  const given = request.headers.traceparent
  return tracer.start(`${method} ${route}`, {
    kind: 'server',
    parent: typeof given === 'string' ? given : null,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'url.scheme': request.protocol,
      'slipway.request_id': request.id,
    },
  })
}
