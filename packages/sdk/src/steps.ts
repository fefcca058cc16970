import type {
  StatusUpdateResponse,
  UpdateStepStatusRequest,
  UpdateTaskStatusRequest,
} from '@slipway/contract/runs'
import { followStream } from './follow-stream.ts'
import { readText } from './read-text.ts'
import { SlipwayError } from './slipway-error.ts'
import { splitLines } from './split-lines.ts'
import type { CallOptions, Transport } from './transport.ts'

/** A line of a step's log. */
export interface LogLine {
  /** From 1, dense, the same for ever. */
  seq: number
  /** When it arrived (RFC 3339). */
  timestamp: string
  /** Without its line end; what the command wrote, terminal escapes included. */
  line: string
}

export interface LogOptions extends CallOptions {
  /** Goes on with what is written until the step has ended. */
  follow?: boolean | undefined
  /** Only lines with a greater sequence number. */
  after?: number | undefined
  /** Only the last so many lines. */
  tail?: number | undefined
}

/** A step's id, the step, or its `logs_url`, which needs no token. */
export type StepReference = string | { id: string }

export interface StepsApi {
  /** The lines of a step's log; a connection that breaks is resumed behind the last line. */
  logs(step: StepReference, options?: LogOptions): AsyncIterable<LogLine>
  /** The log as plain text, line by line, over one connection. */
  logText(step: StepReference, options?: LogOptions): AsyncIterable<string>
  /** For service accounts; repeating an update is fine, contradicting one is a conflict. */
  updateStatus(
    id: string,
    update: UpdateStepStatusRequest,
    options?: CallOptions,
  ): Promise<StatusUpdateResponse>
}

export interface TasksApi {
  /** For service accounts; repeating an update is fine, contradicting one is a conflict. */
  updateStatus(
    id: string,
    update: UpdateTaskStatusRequest,
    options?: CallOptions,
  ): Promise<StatusUpdateResponse>
}

export function tasksApi(transport: Transport): TasksApi {
  return { updateStatus: (id, body, options) => update(transport, 'tasks', id, body, options) }
}

export function stepsApi(transport: Transport): StepsApi {
  return {
    updateStatus: (id, body, options) => update(transport, 'steps', id, body, options),
    async *logs(step, { signal, follow, after, tail } = {}) {
      const query = { follow: follow || undefined, after, tail }
      const input = { path: logPath(step), query, signal, finite: true }
      for await (const event of followStream(transport, input)) yield parseLine(event.data)
    },
    async *logText(step, { signal, follow, after, tail } = {}) {
      const response = await transport.open({
        path: logPath(step),
        query: { follow: follow || undefined, after, tail },
        headers: { accept: 'text/plain' },
        signal,
      })
      yield* splitLines(readText(response, transport.idleMs))
    },
  }
}

function logPath(step: StepReference): string {
  const reference = typeof step === 'string' ? step : step.id
  if (/^https?:\/\//.test(reference) || reference.startsWith('/')) return reference
  return `v1/steps/${encodeURIComponent(reference)}/logs`
}

async function update(
  transport: Transport,
  kind: 'steps' | 'tasks',
  id: string,
  body: UpdateStepStatusRequest | UpdateTaskStatusRequest,
  { signal }: CallOptions = {},
): Promise<StatusUpdateResponse> {
  const path = `v1/${kind}/${encodeURIComponent(id)}/status`
  return (await transport.json({ method: 'PUT', path, body, signal })) as StatusUpdateResponse
}

function parseLine(data: string): LogLine {
  try {
    const parsed = JSON.parse(data) as Partial<LogLine> | null
    if (typeof parsed?.seq === 'number' && typeof parsed.line === 'string') {
      return { seq: parsed.seq, timestamp: String(parsed.timestamp), line: parsed.line }
    }
  } catch {
    // Told below.
  }
  const message = 'The server sent a log line that cannot be read'
  throw new SlipwayError({ status: 200, code: 'invalid_response', message })
}
