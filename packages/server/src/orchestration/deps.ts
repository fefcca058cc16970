import type { EventFeed } from '../events/index.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { RunsDeps } from '../runs/index.ts'

/** What the functions of this room need. */
export interface OrchestrationDeps extends RunsDeps {
  feed: EventFeed
  /** Where results go that are too large for an answer. */
  objects: Pick<ObjectStore, 'put' | 'head' | 'get'>
}
