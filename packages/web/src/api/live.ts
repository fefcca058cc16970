import type { QueryClient } from '@tanstack/react-query'
import { api } from './client.ts'
import { isSignedOut } from './query-client.ts'

/** How what is on the screen is kept new. */
export type Connection = 'connecting' | 'live' | 'polling' | 'signed-out'

/** Milliseconds after a reload within which further events become one more. */
const gatherMs = 40
/** Milliseconds between reloads where no stream can be held open. */
const pollMs = 5_000
/** Milliseconds without a stream before polling begins. */
const patienceMs = 3_000

/**
 * Follows the server's events and reloads whatever they touch: every query whose key begins with the
 * family of the event (`keysOf`). Where no stream holds, everything shown is reloaded every few
 * seconds, until one does. Stops when the signal aborts.
 */
export async function followLive(
  queries: QueryClient,
  tell: (connection: Connection) => void,
  signal: AbortSignal,
): Promise<void> {
  const touched = new Set<string>()
  let gathering: ReturnType<typeof setTimeout> | null = null
  let polling: ReturnType<typeof setInterval> | null = null
  let waiting: ReturnType<typeof setTimeout> | null = null

  const reload = (families: ReadonlySet<string> | null) =>
    void queries.invalidateQueries({
      predicate: ({ queryKey: [family] }) =>
        family !== 'session' && (families === null || families.has(String(family))),
    })
  const gather = () => {
    if (gathering !== null) return
    reload(new Set(touched))
    touched.clear()
    gathering = setTimeout(() => {
      gathering = null
      if (touched.size > 0) gather()
    }, gatherMs)
  }
  const stopPolling = () => {
    if (polling !== null) clearInterval(polling)
    if (waiting !== null) clearTimeout(waiting)
    polling = waiting = null
  }
  const pollSoon = () => {
    if (signal.aborted || polling !== null || waiting !== null) return
    waiting = setTimeout(() => {
      waiting = null
      tell('polling')
      reload(null)
      polling = setInterval(() => reload(null), pollMs)
    }, patienceMs)
  }
  signal.addEventListener('abort', () => {
    stopPolling()
    if (gathering !== null) clearTimeout(gathering)
  })

  tell('connecting')
  let opened = 0
  while (!signal.aborted) {
    pollSoon()
    try {
      const stream = api.events.follow({
        signal,
        onOpen() {
          stopPolling()
          tell('live')
          // What happened while there was no stream is not in it.
          if (opened++ > 0) reload(null)
        },
        onClose: pollSoon,
      })
      for await (const { event } of stream) {
        for (const family of familiesOf(event.event_type)) touched.add(family)
        gather()
      }
    } catch (error) {
      if (signal.aborted) return
      if (isSignedOut(error)) {
        stopPolling()
        tell('signed-out')
        return
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }
}

/** First parts of the keys of the queries that show what such an event changes. */
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
  'pipeline.': ['runs', 'run', 'overview', 'releases'],
  'release.': ['releases', 'board', 'overview'],
  'deployment.': ['deployments', 'board', 'overview'],
  'approval.': ['approvals', 'board', 'overview'],
  'workflow.': ['pipelines', 'overview'],
  'build.': ['builds', 'build', 'overview'],
  'runner.': ['jobs', 'job', 'runners', 'overview'],
}
