import type { SubscriptionEvent } from '@slipway/contract/job-socket'
import { RepositoryName } from '@slipway/contract/fields'
import Value from 'typebox/value'

const events: ReadonlySet<unknown> = new Set<SubscriptionEvent>([
  'subscribe:repository',
  'unsubscribe:repository',
])

/** Names of events that change what a client is told of. */
export function isSubscription(event: unknown): event is SubscriptionEvent {
  return events.has(event)
}

/**
 * The repository that a client means: a bare name, or `{event, data}` with the name as `data` and, if it
 * says an event, the one it came as. Null: it is neither.
 */
export function readRepository(event: SubscriptionEvent, given: unknown): string | null {
  if (typeof given === 'string') return Value.Check(RepositoryName, given) ? given : null
  if (typeof given !== 'object' || given === null || !('data' in given)) return null
  if ('event' in given && given.event !== event) return null
  return typeof given.data === 'string' ? readRepository(event, given.data) : null
}
