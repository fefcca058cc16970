import type { SlipwayEvent } from '@slipway/contract/events'
import type { JobMessage } from '@slipway/contract/job-socket'
import type { StoredEvent } from '../../events/index.ts'

/** Types of events that become messages. */
export const toldTypes = { exact: ['runner.job.delegated', 'runner.job.updated'], prefixes: [] }

/** The documented message of an event of the outbox, with its name; null: it has none. */
export function toMessage({ json }: Pick<StoredEvent, 'json'>): {
  name: 'job:delegated' | 'job:status'
  message: JobMessage
} | null {
  const event = JSON.parse(json) as SlipwayEvent
  switch (event.event_type) {
    case 'runner.job.delegated':
      return { name: 'job:delegated', message: messageOf(event.data) }
    case 'runner.job.updated':
      return { name: 'job:status', message: messageOf(event.data) }
    default:
      return null
  }
}

function messageOf(data: {
  delegation_id: string
  repository: string
  status: JobMessage['status']
}): JobMessage {
  return { jobId: data.delegation_id, repository: data.repository, status: data.status }
}
