import type {
  StatusUpdateResponse,
  UpdateStepStatusRequest,
  UpdateTaskStatusRequest,
} from '@slipway/contract/runs'
import { followLog, type LogLine, type LogOptions } from './follow-log.ts'
import { readText } from './read-text.ts'
import { splitLines } from './split-lines.ts'
import type { CallOptions, Transport } from './transport.ts'

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
    logs: (step, options = {}) => followLog(transport, logPath(step), options),
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
