import type { Logger } from 'pino'
import type { EventFeed } from '../events/index.ts'
import type { LogStore } from '../logs/index.ts'
import type { Store } from '../open-store.ts'
import type { Resources } from '../resources.ts'
import { startIndexing } from '../search/index.ts'

/** Keeps what search looks through up to date. */
export function openSearch(
  log: Logger,
  opened: { store: Store; feed: EventFeed; logs: LogStore; holder: string },
  resources: Resources,
): void {
  const { store, feed, logs, holder } = opened
  const indexing = startIndexing({ db: store.db, log, feed, logs, holder })
  resources.add('search', indexing, (started) => started.close())
}
