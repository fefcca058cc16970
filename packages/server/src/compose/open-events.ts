import type { Logger } from 'pino'
import { createEventFeed, startEventRelay, type StoredEvent } from '../events/index.ts'
import type { Store } from '../open-store.ts'
import type { Resources } from '../resources.ts'

/** The outbox: its relay and its feed. `observe` is told of the events that are numbered here. */
export function openEvents(
  store: Store,
  log: Logger,
  observe: (events: readonly StoredEvent[]) => void,
  resources: Resources,
) {
  const { db, pool, signals } = store
  const shared = { log, ...(signals === undefined ? {} : { signals }) }
  const feed = createEventFeed({ db, ...shared })
  resources.add('feed', feed, (opened) => opened.close())
  const publish: typeof feed.publish = (batch) => {
    feed.publish(batch)
    observe(batch.events)
  }
  const relay = startEventRelay({ pool, publish, ...shared })
  resources.add('relay', relay, (opened) => opened.close())
  return { feed, relay }
}
