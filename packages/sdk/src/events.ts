import type { SlipwayEvent } from '@slipway/contract/events'
import { followStream } from './follow-stream.ts'
import { SlipwayError } from './slipway-error.ts'
import type { CallOptions, Transport } from './transport.ts'

/** Events behind the cursor that the server no longer keeps. */
export interface GapEvent {
  event_type: 'slipway.gap'
  timestamp: string
  data: { after: number; next: number }
}

export interface FollowedEvent {
  /** The cursor: `after` this, the stream resumes behind this event. */
  id: number
  event: SlipwayEvent | GapEvent
}

export interface FollowEventsOptions extends CallOptions {
  /** Resume behind this event; absent: from now on. */
  after?: number | undefined
  /** Without `after`: begin with so many of the newest events, the oldest first. At most 100. */
  last?: number | undefined
  /** Event types, or prefixes ending in ".*". */
  types?: readonly string[] | undefined
  repository?: string | undefined
  run_id?: string | undefined
  /** Called whenever the stream is opened: what happens from then on is in it. */
  onOpen?: (() => void) | undefined
  /** Called whenever the stream broke off, and is about to be opened again. */
  onClose?: (() => void) | undefined
}

export interface EventsApi {
  /** Events as they happen, without end, over as many connections as it takes; none twice. */
  follow(options?: FollowEventsOptions): AsyncIterable<FollowedEvent>
}

export function eventsApi(transport: Transport): EventsApi {
  return {
    async *follow({ after, last, types, repository, run_id, signal, onOpen, onClose } = {}) {
      const query = { after, last, types: types?.join(','), repository, run_id }
      const input = { path: 'v1/events', query, signal, onOpen, onClose, finite: false }
      for await (const { id, data } of followStream(transport, input)) {
        yield { id: Number(id), event: parseEvent(data) }
      }
    },
  }
}

function parseEvent(data: string): SlipwayEvent | GapEvent {
  try {
    const parsed = JSON.parse(data) as SlipwayEvent | null
    if (typeof parsed?.event_type === 'string') return parsed
  } catch {
    // Told below.
  }
  const message = 'The server sent an event that cannot be read'
  throw new SlipwayError({ status: 200, code: 'invalid_response', message })
}
