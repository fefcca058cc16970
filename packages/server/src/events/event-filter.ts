import { eventTypes } from '@slipway/contract/events'
import { AppError } from '../errors.ts'
import type { StoredEvent } from './stored-event.ts'

/** What a reader wants and may see; every condition that is set must hold. */
export interface EventFilter {
  /** Absent: every type. */
  types?: EventTypeFilter
  /** Only this repository. */
  repository?: string
  /** Only this run. */
  runId?: string
  /**
   * The principal's limit: only these repositories, and nothing that has none. Null: no limit.
   * Required, so that no caller forgets it.
   */
  visibleRepositories: readonly string[] | null
}

export interface EventTypeFilter {
  exact: readonly string[]
  /** With the dot at their end: `pipeline.` holds for `pipeline.run.created`. */
  prefixes: readonly string[]
}

const MAX_TYPES = 50

/**
 * Reads `types=pipeline.run.created,pipeline.phase.*`. What matches no event there is would wait
 * for ever in silence, so it is an error.
 *
 * @throws AppError invalid_request
 */
export function parseEventTypes(list: string): EventTypeFilter {
  const items = list.split(',').map((item) => item.trim())
  if (items.length > MAX_TYPES) {
    throw new AppError('invalid_request', `At most ${MAX_TYPES} event types can be asked for.`)
  }
  const exact = new Set<string>()
  const prefixes = new Set<string>()
  for (const item of items) {
    const prefix = item.endsWith('.*') ? item.slice(0, -1) : undefined
    const known = eventTypes.some((type) =>
      prefix === undefined ? type === item : type.startsWith(prefix),
    )
    if (!known) {
      throw new AppError('invalid_request', `No event type matches "${item}".`, {
        parameter: 'types',
        known: eventTypes,
      })
    }
    if (prefix === undefined) exact.add(item)
    else prefixes.add(prefix)
  }
  return { exact: [...exact], prefixes: [...prefixes] }
}

/** The same conditions that `readEventPage` puts into SQL, for events in memory. */
export function compileEventFilter(filter: EventFilter): (event: StoredEvent) => boolean {
  const { repository, runId } = filter
  const exact = filter.types === undefined ? null : new Set(filter.types.exact)
  const prefixes = filter.types?.prefixes ?? []
  const visible = filter.visibleRepositories === null ? null : new Set(filter.visibleRepositories)
  return (event) => {
    if (visible !== null && (event.repository === null || !visible.has(event.repository))) {
      return false
    }
    if (repository !== undefined && event.repository !== repository) return false
    if (runId !== undefined && event.runId !== runId) return false
    if (exact === null || exact.has(event.type)) return true
    return prefixes.some((prefix) => event.type.startsWith(prefix))
  }
}
