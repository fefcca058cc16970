import { setTimeout as sleep } from 'node:timers/promises'
import type { SlipwayEvent } from '@slipway/contract/events'
import type { BuildWithoutLog as Build } from '../../builds/index.ts'
import type { Log } from '../../db/log.ts'
import type { EventFeed, StoredEvent } from '../../events/index.ts'
import { followEvents } from '../follow-events.ts'

export interface WatchBuildsDeps {
  feed: EventFeed
  log: Log
  /** A build as it is, or null when there is none. */
  read: (buildId: number) => Promise<Build | null>
}

/** A build as its followers see it; each change is read once for all of them. */
export interface WatchedBuild {
  /** Waits for the first look. Null: there is no such build any more. */
  current(signal: AbortSignal): Promise<Sight>
  /** The next one after `seen`; that one again when `signal` aborts first. */
  after(seen: Sight, signal: AbortSignal): Promise<Sight>
  release(): void
}

export interface Sight {
  /** Null: it is gone, or nothing was seen before the signal aborted. */
  readonly build: Build | null
}

/** Milliseconds until what could not be read is read again. */
const pauseMs = 1_000
const buildEvents = { exact: [], prefixes: ['build.'] }
const nothing: Sight = { build: null }

/** Looks at builds that somebody follows, whenever an event speaks of them. */
export function watchBuilds(deps: WatchBuildsDeps): {
  watch(buildId: number): WatchedBuild
  close(): Promise<void>
} {
  const topics = new Map<number, Topic>()
  const closing = new AbortController()
  const { signal: closed } = closing
  const following = followEvents(deps, buildEvents, note, closed)

  function note({ json }: StoredEvent): void {
    const { data } = JSON.parse(json) as SlipwayEvent
    if ('build_id' in data) topics.get(data.build_id)?.look()
  }

  function open(buildId: number): Topic {
    const topic = createTopic(async () => {
      for (;;) {
        try {
          return { build: await deps.read(buildId) }
        } catch (error) {
          if (closed.aborted) return nothing
          deps.log.warn(
            { err: error, build_id: buildId },
            'A build could not be read for its sockets',
          )
          await sleep(pauseMs, undefined, { signal: closed }).catch(() => {})
        }
      }
    })
    topics.set(buildId, topic)
    return topic
  }

  return {
    watch(buildId) {
      const topic = topics.get(buildId) ?? open(buildId)
      topic.users += 1
      let released = false
      return {
        current: (signal) => topic.after(null, signal),
        after: (seen, signal) => topic.after(seen, signal),
        release() {
          if (released) return
          released = true
          topic.users -= 1
          if (topic.users === 0) topics.delete(buildId)
        },
      }
    },
    async close() {
      closing.abort()
      await following
    },
  }
}

interface Topic {
  users: number
  /** Something has happened: it is looked at again. */
  look(): void
  after(seen: Sight | null, signal: AbortSignal): Promise<Sight>
}

function createTopic(read: () => Promise<Sight>): Topic {
  const waiting = new Set<() => void>()
  let sight: Sight | null = null
  let looking = false
  /** Something happened after the look under way began. */
  let again = false

  async function run(): Promise<void> {
    looking = true
    do {
      again = false
      sight = await read()
      for (const wake of waiting) wake()
    } while (again)
    looking = false
  }
  void run()

  return {
    users: 0,
    look() {
      again = true
      if (!looking) void run()
    },
    async after(seen, signal) {
      while ((sight === null || sight === seen) && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake)
            signal.removeEventListener('abort', wake)
            resolve()
          }
          waiting.add(wake)
          signal.addEventListener('abort', wake, { once: true })
        })
      }
      return sight ?? nothing
    },
  }
}
