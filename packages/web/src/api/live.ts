import type { Query, QueryClient } from '@tanstack/react-query'
import type { FollowedEvent } from '@slipway/sdk'
import { api, isStatus } from './client.ts'
import { createPace } from './pace.ts'
import { isSignedOut } from './query-client.ts'
import { whileVisible } from './while-visible.ts'

/** How what is on the screen is kept new. */
export type Connection = 'connecting' | 'live' | 'polling' | 'signed-out'

/**
 * Reloads for events: at once, unless events never end. A browser's session may send 3,000 requests a minute
 * in all its tabs, and a reload is a handful.
 */
const reloads = { burst: 60, perSecond: 4 }
/** Milliseconds between reloads where no stream can be held open. */
const pollMs = 5_000
/** Milliseconds without a stream before polling begins. */
const patienceMs = 3_000

/**
 * Follows the server's events and reloads whatever they touch: every query whose key begins with a family
 * of the event (`familiesOf`). Where no stream holds, everything shown is reloaded every few seconds,
 * until one does. A page that nobody looks at follows nothing. Stops when the signal aborts.
 */
export async function followLive(
  queries: QueryClient,
  {
    tell,
    onEvent,
    signal,
  }: {
    tell: (connection: Connection) => void
    onEvent: (event: FollowedEvent) => void
    signal: AbortSignal
  },
): Promise<void> {
  const touched = new Set<string>()
  const outdated = new Set<string>()
  let gathering: ReturnType<typeof setTimeout> | null = null
  let polling: ReturnType<typeof setInterval> | null = null
  let waiting: ReturnType<typeof setTimeout> | null = null

  const reloadAll = () =>
    void queries.invalidateQueries({ predicate: ({ queryKey: [family] }) => family !== 'session' })
  const reloadTouched = () => {
    const families = new Set(touched)
    touched.clear()
    const predicate = ({ queryKey: [family, part] }: Pick<Query, 'queryKey'>) =>
      families.has(String(family)) || families.has(`${String(family)}/${String(part)}`)
    // What is under way is let come, since under a flood of events it never would otherwise. It may be
    // older than the event: then it is asked for once more.
    for (const query of queries.getQueryCache().findAll({ predicate, fetchStatus: 'fetching' })) {
      outdated.add(query.queryHash)
    }
    void queries.invalidateQueries({ predicate }, { cancelRefetch: false })
  }
  const waitFor = createPace(reloads)
  // Events that came together, which the stream hands out one by one, are one reload.
  const gather = () => {
    gathering ??= setTimeout(() => {
      gathering = null
      reloadTouched()
    }, waitFor())
  }
  const stopWatching = queries.getQueryCache().subscribe(({ type, query: of }) => {
    const query: Query = of
    const { queryHash, queryKey } = query
    if (type === 'removed') outdated.delete(queryHash)
    if (type !== 'updated' || query.state.fetchStatus !== 'idle' || !outdated.delete(queryHash)) {
      return
    }
    queueMicrotask(() => {
      if (!signal.aborted) void queries.invalidateQueries({ queryKey, exact: true })
    })
  })
  const stopPolling = () => {
    if (polling !== null) clearInterval(polling)
    if (waiting !== null) clearTimeout(waiting)
    polling = waiting = null
  }
  const pollSoon = (visible: AbortSignal) => {
    if (visible.aborted || polling !== null || waiting !== null) return
    waiting = setTimeout(() => {
      waiting = null
      tell('polling')
      reloadAll()
      polling = setInterval(reloadAll, pollMs)
    }, patienceMs)
  }
  signal.addEventListener('abort', () => {
    stopWatching()
    if (gathering !== null) clearTimeout(gathering)
  })

  let opened = 0
  let last: number | undefined
  const follow = async (visible: AbortSignal) => {
    visible.addEventListener('abort', stopPolling)
    tell('connecting')
    while (!visible.aborted) {
      pollSoon(visible)
      try {
        const stream = api.events.follow({
          after: last,
          signal: visible,
          onOpen() {
            stopPolling()
            tell('live')
            // What happened while there was no stream may be gone from it.
            if (opened++ > 0) reloadAll()
          },
          onClose: () => pollSoon(visible),
        })
        for await (const followed of stream) {
          last = followed.id
          onEvent(followed)
          for (const family of familiesOf(followed.event.event_type)) touched.add(family)
          gather()
        }
      } catch (error) {
        visible.throwIfAborted()
        if (isSignedOut(error)) {
          stopPolling()
          tell('signed-out')
          return
        }
        // Who may not follow events has only the polling that is under way.
        await pause(isStatus(error, 403) ? Number.POSITIVE_INFINITY : pollMs, visible)
      }
    }
  }
  await whileVisible(follow, signal)
}

/** Throws what the signal was aborted with. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = Number.isFinite(ms) ? setTimeout(done, ms) : undefined
    signal.addEventListener('abort', done)
  })
  signal.throwIfAborted()
}

/**
 * Of the queries that show what such an event changes: the first part of their keys, or the first two with
 * a slash between, where other queries of the family show something else.
 */
function familiesOf(eventType: string): readonly string[] {
  if (eventType === 'slipway.gap') {
    return Object.values(familiesByPrefix).flat()
  }
  const families = Object.entries(familiesByPrefix)
    .filter(([prefix]) => eventType.startsWith(prefix))
    .flatMap(([, touched]) => touched)
  return ['activity', ...families]
}

const familiesByPrefix: Readonly<Record<string, readonly string[]>> = {
  'pipeline.': ['run'],
  'pipeline.run.': ['runs', 'overview/repositories'],
  // A pull request waits until somebody lets a run of it be made.
  'pipeline.run.created': ['overview/waiting'],
  ...Object.fromEntries(
    ['completed', 'failed', 'cancelled'].map((end) => [
      `pipeline.run.${end}`,
      ['overview/red', 'overview/waiting'],
    ]),
  ),
  'release.': ['releases', 'board', 'overview/waiting'],
  'deployment.': ['deployments', 'board', 'overview/deployments', 'overview/waiting'],
  'approval.': ['approvals', 'board', 'overview/waiting'],
  'workflow.': ['pipelines', 'overview/repositories', 'overview/red', 'overview/waiting'],
  'build.': ['builds/list', 'builds/statistics', 'build', 'overview/waiting'],
  'runner.': ['jobs', 'job', 'runners'],
  'webhook.': ['settings/webhooks'],
}
