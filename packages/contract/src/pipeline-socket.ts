import Type, { type Static, type TSchema } from 'typebox'
import { Timestamp } from './fields.ts'
import { NullableString, RunId, Seconds } from './pipeline-fields.ts'
import { PipelineStatus } from './pipelines.ts'

// Source of the event envelope and of the events: Pipeline Status API Documentation, "WebSocket Events".
// The conversation around them is ours, in the words of that document.

/** What a client may send to `/ws`, as JSON text of at most 4 KiB. */
export const SocketMessage = Type.Union(
  [
    Type.Object({
      type: Type.Enum(['phase2.subscribe', 'phase2.unsubscribe']),
      channels: Type.Array(Type.String({ maxLength: 100 }), { minItems: 1, maxItems: 50 }),
    }),
    Type.Object({
      type: Type.Enum(['subscribe', 'unsubscribe']),
      channel: Type.String({ maxLength: 100 }),
    }),
    Type.Object({ type: Type.Enum(['phase2.list-subscriptions', 'ping']) }),
  ],
  { $id: 'SocketMessage' },
)
export type SocketMessage = Static<typeof SocketMessage>

const names = Type.Array(Type.String())
const message = <Name extends string, Fields extends Record<string, TSchema>>(
  type: Name,
  fields: Fields,
) => Type.Object({ type: Type.Literal(type), ...fields, timestamp: Timestamp }, { $id: type })

/** The first message of every connection. */
export const SocketChannels = message('phase2.channels', {
  channels: Type.Array(
    Type.Object({ name: Type.String(), description: Type.String(), events: names }),
  ),
})

/** What a message is answered with; `failed` are channels that do not exist. */
export const SocketAnswer = Type.Union([
  message('phase2.subscribed', { subscribed: names, failed: names }),
  message('phase2.unsubscribed', { unsubscribed: names, failed: names }),
  message('phase2.subscriptions', { subscriptions: names }),
  message('pong', {}),
  message('error', { message: Type.String() }),
])
export type SocketAnswer = Static<typeof SocketAnswer>

const started = {
  repository: Type.String(),
  workflow: Type.String(),
  branch: Type.String(),
  runId: RunId,
  actor: Type.String(),
}
const ended = {
  ...started,
  status: PipelineStatus,
  conclusion: NullableString,
  duration: Seconds,
}

/** `data` of each event of the channel `pipelines`. */
export const pipelineEvents = {
  'pipeline:started': Type.Object(started),
  'pipeline:completed': Type.Object(ended),
  'pipeline:failed': Type.Object({
    ...ended,
    error: Type.String(),
    failedStep: NullableString,
  }),
  'pipeline:step-update': Type.Object({
    repository: Type.String(),
    runId: RunId,
    jobId: Type.Integer({ description: 'GitHub’s id of the job.' }),
    stepName: Type.String(),
    stepStatus: Type.String({ description: 'GitHub’s word.' }),
    stepConclusion: NullableString,
  }),
  'pipeline:metrics': Type.Object({
    repository: Type.String(),
    successRate: Type.Number({ description: 'Percent of completed runs, at most two decimals.' }),
    averageDuration: Seconds,
    totalRuns: Type.Integer({ minimum: 0, description: 'Of the last 30 days.' }),
  }),
  'pipeline:status-summary': Type.Object({
    totalPipelines: Type.Integer({ minimum: 0 }),
    running: Type.Integer({ minimum: 0 }),
    pending: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
    successful: Type.Integer({ minimum: 0 }),
    repositories: Type.Integer({ minimum: 0, description: 'How many are watched.' }),
  }),
} as const

export type PipelineEventName = keyof typeof pipelineEvents
export type PipelineEventData<Name extends PipelineEventName> = Static<
  (typeof pipelineEvents)[Name]
>

/** An event as every subscriber of its channel gets it; `data` as in `pipelineEvents`. */
export const SocketEvent = Type.Object(
  {
    type: Type.Literal('phase2.event'),
    channel: Type.Literal('pipelines'),
    event: Type.Enum(Object.keys(pipelineEvents) as PipelineEventName[]),
    data: Type.Object({}),
    timestamp: Timestamp,
  },
  { $id: 'SocketEvent' },
)
export type SocketEvent = Static<typeof SocketEvent>
