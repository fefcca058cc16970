export { countOldEvents, deleteOldEvents, type DeleteOldEventsInput } from './delete-old-events.ts'
export {
  createEventFeed,
  type EventFeed,
  type EventFeedDeps,
  type EventGap,
  type FollowInput,
  type Following,
} from './event-feed.ts'
export { type EventFilter, type EventTypeFilter, parseEventTypes } from './event-filter.ts'
export { limitConcurrency } from './limit-concurrency.ts'
export { type EventRelay, type EventRelayDeps, startEventRelay } from './relay-events.ts'
export { envelope, type StoredEvent } from './stored-event.ts'
export {
  type EventConsumerDeps,
  type EventConsumerOptions,
  startEventConsumer,
} from './consume-events.ts'
