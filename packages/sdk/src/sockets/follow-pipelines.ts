import type { PipelineEventData, PipelineEventName } from '@slipway/contract/pipeline-socket'
import { SlipwayError } from '../slipway-error.ts'
import type { Transport } from '../transport.ts'
import { connectWebSocket, type SocketFrame } from './connect-web-socket.ts'
import { followSocket, type SubscribeOptions } from './follow-socket.ts'

/** Which messages of the pipelines are wanted. */
export interface PipelineSubscription {
  /** Of these repositories, owner/name, and what is said of all together; absent: of all that may be seen. */
  repositories?: readonly string[] | undefined
  /** Of these kinds; absent: of all. */
  events?: readonly PipelineEventName[] | undefined
}

/** What happened in a pipeline, as the socket `/ws` tells it; `event` says what `data` is. */
export type PipelineMessage = {
  [Name in PipelineEventName]: { event: Name; data: PipelineEventData<Name>; timestamp: string }
}[PipelineEventName]

const channel = 'pipelines'

/** What happens in pipelines, from each opening of the socket on. */
export async function* followPipelines(
  transport: Transport,
  { repositories, events }: PipelineSubscription,
  options: SubscribeOptions,
): AsyncGenerator<PipelineMessage, void, undefined> {
  const wanted = repositories && new Set(repositories.map((name) => name.toLowerCase()))
  const connect = (signal: AbortSignal) => subscribe(transport, signal)
  for await (const frame of followSocket(transport, connect, options)) {
    if (frame.type !== 'phase2.event' || frame['channel'] !== channel) continue
    const { event, data, timestamp } = frame as unknown as PipelineMessage
    if (events !== undefined && !events.includes(event)) continue
    const isWanted = wanted?.has('repository' in data ? data.repository.toLowerCase() : '') ?? true
    // A summary is of no repository.
    if (isWanted || !('repository' in data)) yield { event, data, timestamp } as PipelineMessage
  }
}

async function subscribe(transport: Transport, signal: AbortSignal) {
  const probe = () =>
    transport.json({ path: 'api/v2/pipelines/status', query: { limit: 1 }, signal })
  const late = new AbortController()
  const either = AbortSignal.any([signal, late.signal])
  const connection = await connectWebSocket(transport, { path: 'ws', probe }, either)
  connection.send({ type: 'phase2.subscribe', channels: [channel] })
  const deadline = setTimeout(() => late.abort(), transport.timeoutMs)
  try {
    for (;;) if (isAnswer(await connection.next())) return connection
  } finally {
    clearTimeout(deadline)
  }
}

function isAnswer({ type, subscribed }: SocketFrame): boolean {
  if (type !== 'phase2.subscribed') return false
  if (Array.isArray(subscribed) && subscribed.includes(channel)) return true
  const message = `The server has no channel ${channel}`
  throw new SlipwayError({ status: 200, code: 'invalid_response', message })
}
