import type { Readable } from 'node:stream'
import type { CallToolResult } from '@modelcontextprotocol/server'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { correlationHeaders } from '../../correlation.ts'
import { AppError } from '../../errors.ts'
import { toErrorAnswer } from '../platform/error-envelope.ts'
import { type ToolRequest, buildRequest } from './build-request.ts'
import type { ToolOperation } from './describe-tools.ts'

/** On whose behalf a tool runs, and how they reached us. */
export interface Caller {
  /** The request's credential and what proxies said of it: its call is judged by the same. */
  headers: Readonly<Record<string, string>>
  /** Of the connection. */
  address: string | undefined
  requestId: string
  /** Aborts when the caller is gone. */
  gone: AbortSignal
}

export interface RunToolDeps {
  app: Pick<FastifyInstance, 'inject'>
  log: FastifyBaseLogger
  limits: ToolLimits
}

export interface ToolLimits {
  /** Bytes of an answer that are read. */
  maxBytes: number
  /** Milliseconds that an answer may take. */
  deadlineMs: number
}

/**
 * Runs a tool by sending its request through the application itself, so that it is let in, checked,
 * counted, written down and refused exactly as over HTTP. Never rejects: what goes wrong is the
 * result, with the error body of the operation's family.
 */
export async function runTool(
  deps: RunToolDeps,
  input: {
    operation: ToolOperation
    given: Readonly<Record<string, unknown>>
    caller: Caller
  },
): Promise<CallToolResult> {
  const { operation, given, caller } = input
  const { deadlineMs } = deps.limits
  const stop = new AbortController()
  const onGone = () => stop.abort(new AppError('unavailable', 'The caller is gone'))
  caller.gone.addEventListener('abort', onGone)
  const timer = setTimeout(() => stop.abort(tooLate(deadlineMs)), deadlineMs)
  try {
    const request = buildRequest(operation, given)
    const aborted = rejectAtAbort(stop.signal)
    const answered = send(deps, { operation, request, caller, stop: stop.signal })
    return await Promise.race([answered, aborted])
  } catch (error) {
    const { body, unforeseen } = toErrorAnswer(error, caller.requestId)
    if (unforeseen) {
      const { name } = operation.tool
      deps.log.error({ err: error, request_id: caller.requestId, tool: name }, 'A tool failed')
    }
    return { isError: true, content: [text(JSON.stringify(body))], structuredContent: { ...body } }
  } finally {
    clearTimeout(timer)
    caller.gone.removeEventListener('abort', onGone)
  }
}

function tooLate(deadlineMs: number): AppError {
  return new AppError(
    'unavailable',
    `There was no answer within ${deadlineMs / 1000} s; whether the call has had an effect is not known`,
  )
}

function rejectAtAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function send(
  deps: RunToolDeps,
  input: { operation: ToolOperation; request: ToolRequest; caller: Caller; stop: AbortSignal },
): Promise<CallToolResult> {
  const { request, caller, stop, operation } = input
  const answer = await deps.app.inject({
    method: request.method,
    url: request.url,
    headers: {
      ...caller.headers,
      ...correlationHeaders(),
      'x-request-id': caller.requestId,
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(caller.address === undefined ? {} : { remoteAddress: caller.address }),
    ...(request.body === undefined ? {} : { payload: request.body }),
    payloadAsStream: true,
  })
  const type = String(answer.headers['content-type'] ?? '')
  const isText = type === '' || /^(text\/|application\/([\w.]+\+)?json\b)/.test(type)
  const { maxBytes } = deps.limits
  const { res } = answer.raw
  const end = () => void res.destroy()
  stop.addEventListener('abort', end)
  try {
    stop.throwIfAborted()
    if (!isText) return { content: [text(binaryNote(request, type))] }
    const read = await readUpTo(answer.stream(), maxBytes)
    const isError = answer.statusCode >= 400
    const structured = read.isCut || !type.includes('json') ? undefined : parse(read.text)
    return {
      ...(isError ? { isError } : {}),
      content: [
        text(read.text === '' ? emptyNote(answer.statusCode) : read.text),
        ...(read.isCut ? [text(cutNote(operation, maxBytes))] : []),
      ],
      ...(structured === undefined ? {} : { structuredContent: structured }),
    }
  } finally {
    stop.removeEventListener('abort', end)
    // Whoever still writes learns that nobody reads any more.
    end()
  }
}

/** The text of a stream up to so many bytes, ending with a whole character. */
async function readUpTo(
  stream: Readable,
  maxBytes: number,
): Promise<{ text: string; isCut: boolean }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes > maxBytes) break
  }
  const isCut = bytes > maxBytes
  const whole = Buffer.concat(chunks).subarray(0, maxBytes)
  return { text: new TextDecoder().decode(whole, { stream: isCut }), isCut }
}

/** Structured content is an object; what is none is its `result`. */
function parse(json: string): Record<string, unknown> {
  const value = JSON.parse(json) as unknown
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : { result: value }
}

function emptyNote(status: number): string {
  return status < 400 ? `Done (${status}).` : `Refused (${status}).`
}

function binaryNote({ url }: ToolRequest, type: string): string {
  return `The answer is ${type}, which is not shown here. It is had over HTTP, at GET ${url}`
}

const narrowing = ['tail', 'after', 'before', 'limit', 'offset', 'cursor']

function cutNote({ inputs }: ToolOperation, maxBytes: number): string {
  const by = narrowing.filter((name) => inputs.places.has(name))
  const hint = by.length === 0 ? '' : ` Ask for another part by ${by.join(', ')}.`
  return `The answer is longer: these are its first ${maxBytes} bytes.${hint}`
}

function text(content: string): { type: 'text'; text: string } {
  return { type: 'text', text: content }
}
