import type { Logger } from 'pino'
import { createEventFeed, startEventRelay } from '../events/index.ts'
import type { Store } from '../open-store.ts'
import type { Resources } from '../resources.ts'

/** The outbox: its relay, its feed and the duty that keeps it bounded. */
export function openEvents(store: Store, log: Logger, resources: Resources) {
  const { db, pool, signals } = store
  const shared = { log, ...(signals === undefined ? {} : { signals }) }
  const feed = createEventFeed({ db, ...shared })
  resources.add('feed', feed, (opened) => opened.close())
  const relay = startEventRelay({ pool, publish: (batch) => feed.publish(batch), ...shared })
  resources.add('relay', relay, (opened) => opened.close())
  return { feed, relay }
}
