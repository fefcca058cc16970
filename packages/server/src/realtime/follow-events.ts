import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../db/log.ts'
import type { EventFeed, EventTypeFilter, StoredEvent } from '../events/index.ts'

const pauseMs = 1_000

/**
 * Hands on every event of the outbox of these types, in order, of whichever server: from now on, until
 * `signal` aborts. What the feed cannot read at the moment comes later.
 */
export async function followEvents(
  deps: { feed: EventFeed; log: Log },
  types: EventTypeFilter,
  handle: (event: StoredEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let after: number | undefined
  while (!signal.aborted) {
    const filter = { types, visibleRepositories: null }
    const following = deps.feed.follow(
      { ...(after === undefined ? {} : { after }), filter },
      signal,
    )
    try {
      for await (const event of following) handle(event)
      return
    } catch (error) {
      after = following.position() ?? after
      deps.log.warn({ err: error }, 'Events for sockets could not be read')
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}
