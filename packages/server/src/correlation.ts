import { AsyncLocalStorage } from 'node:async_hooks'
import { AppError } from './errors.ts'

/** Names, numbers and states: never a command, a secret, a message of an error or anything else of a user's. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** What the work is to whoever looks at a trace, as OpenTelemetry says it. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface SpanOptions {
  /** Default `internal`. */
  kind?: SpanKind
  attributes?: SpanAttributes
}

/** A stretch of work in a trace. Nothing here throws, blocks or waits. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  /** As W3C Trace Context writes it. */
  readonly traceparent: string
  set(attributes: SpanAttributes): void
  /** It failed: of the error only its kind is told. */
  fail(error: unknown): void
  child(name: string, options?: SpanOptions): Span
  end(): void
}

/** Where traces begin, or are gone on with. */
export interface Tracer {
  /** `parent` as W3C Trace Context writes it; what is none of the kind is no parent. */
  start(name: string, options: SpanOptions & { parent: string | null }): Span
}

/** Ids that every line of log is given which is written in the course of the work. */
export interface CorrelationFields {
  request_id?: string
  job_id?: string
  run_id?: string
  task_id?: string
  step_id?: string
  build_id?: string
  delegation_id?: string
  deployment_id?: string
  delivery_id?: string
}

interface Correlation {
  readonly fields: CorrelationFields
  /** Null: nothing is traced here. */
  readonly span: Span | null
  /** Of a trace that nobody here has a part in yet. */
  readonly parent: string | null
}

// No state of the program's: what it holds belongs to one request, job or event.
const storage = new AsyncLocalStorage<Correlation>()
const nothing: Correlation = { fields: {}, span: null, parent: null }

/** Runs `body` with these ids in its logs, besides those that are there. */
export function correlate<T>(fields: CorrelationFields, body: () => T): T {
  const here = storage.getStore() ?? nothing
  return storage.run({ ...here, fields: { ...here.fields, ...fields } }, body)
}

/** Runs `body` inside of `span`, which its caller ends. */
export function within<T>(span: Span | null, body: () => T): T {
  if (span === null) return body()
  const here = storage.getStore() ?? nothing
  return storage.run({ ...here, span, parent: null }, body)
}

/** Runs `body` as part of nothing: for what goes on after the work of here, and for whoever comes. */
export function detached<T>(body: () => T): T {
  return storage.run(nothing, body)
}

/** The correlation here, for what is called back elsewhere; undefined where there is none. */
export function captureCorrelation(): <T>(body: () => T) => T {
  const here = storage.getStore()
  return here === undefined ? (body) => body() : (body) => storage.run(here, body)
}

/**
 * Runs `body` as a span below the one that is here, which ends with it. Null: nothing is traced here, and this
 * costs nothing.
 */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  body: (span: Span | null) => Promise<T>,
): Promise<T> {
  const span = storage.getStore()?.span
  if (span == null) return await body(null)
  return await holdSpan(span.child(name, options), body)
}

/** Runs `body` as a span that goes on with where `origin` came from, and begins a trace where there is none. */
export async function inSpanOf<T>(
  tracer: Tracer | null,
  origin: string | null,
  work: SpanOptions & { name: string; fields: CorrelationFields },
  body: (span: Span | null) => Promise<T>,
): Promise<T> {
  return await underOrigin(origin, () =>
    correlate(work.fields, async () => {
      if (tracer === null) return await body(null)
      const { parent } = readOrigin(origin)
      const { name, ...options } = work
      return await holdSpan(tracer.start(name, { ...options, parent }), body)
    }),
  )
}

/** Runs `body` with what `origin` says, for what it makes to be told of; it is no span of its own. */
export function underOrigin<T>(origin: string | null, body: () => T): T {
  const { parent, requestId } = readOrigin(origin)
  const fields = requestId === null ? {} : { request_id: requestId }
  return storage.run({ fields, span: null, parent }, body)
}

async function holdSpan<T>(span: Span, body: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await within(span, () => body(span))
  } catch (error) {
    span.fail(error)
    throw error
  } finally {
    span.end()
  }
}

/** The span that work of here belongs to, as W3C Trace Context writes it; null: there is none. */
export function currentTraceparent(): string | null {
  const here = storage.getStore()
  return here?.span?.traceparent ?? here?.parent ?? null
}

/** Headers for a request to another server of ours: what it does belongs to the work of here. */
export function correlationHeaders(): Record<string, string> {
  const traceparent = currentTraceparent()
  const requestId = storage.getStore()?.fields.request_id
  return {
    ...(traceparent === null ? {} : { traceparent }),
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
  }
}

/** What a line of log is given. */
export function logFields(): CorrelationFields & { trace_id?: string; span_id?: string } {
  const here = storage.getStore()
  if (here === undefined) return {}
  if (here.span === null) return { ...here.fields }
  return { ...here.fields, trace_id: here.span.traceId, span_id: here.span.spanId }
}

/**
 * Where the work of here comes from, to be stored with what goes on with it: `<traceparent> <request id>`, `-` for
 * what there is none of; null where there is neither.
 */
export function currentOrigin(): string | null {
  const here = storage.getStore()
  if (here === undefined) return null
  const traceparent = currentTraceparent()
  const requestId = here.fields.request_id
  if (traceparent === null && requestId === undefined) return null
  return `${traceparent ?? '-'} ${requestId ?? '-'}`
}

function readOrigin(origin: string | null): { parent: string | null; requestId: string | null } {
  const [parent = '-', requestId = '-'] = (origin ?? '').split(' ')
  return {
    parent: isTraceparent(parent) ? parent : null,
    requestId: requestId === '-' || requestId === '' ? null : requestId,
  }
}

const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Whether a text is what W3C Trace Context calls a traceparent. */
export function isTraceparent(text: string): boolean {
  return traceparent.test(text)
}

/** What a span says of an error: its code or kind, never its message, which may hold anything. */
export function kindOfError(error: unknown): string {
  if (error instanceof AppError) return error.code
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
