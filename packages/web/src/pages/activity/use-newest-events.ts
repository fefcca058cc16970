import type { FollowedEvent } from '@slipway/sdk'
import { useCallback, useEffect, useState } from 'react'
import { api } from '../../api/client.ts'
import { useEvents } from '../../app/live-provider.tsx'

/** Events that are kept on the page. */
const most = 100
/** Milliseconds without one more after which those that were are taken to be there. */
const settleMs = 500

/** The newest events of a family, the newest first, and whatever happens then; null: not known yet. */
export function useNewestEvents(family: string): readonly FollowedEvent[] | null {
  const [known, setKnown] = useState<{
    family: string
    events: readonly FollowedEvent[]
  } | null>(null)
  const add = useCallback(
    (more: readonly FollowedEvent[]) =>
      setKnown((before) => ({
        family,
        events: merge(more, before?.family === family ? before.events : []),
      })),
    [family],
  )
  useEvents(
    useCallback(
      (followed: FollowedEvent) => {
        if (family === '' || followed.event.event_type.startsWith(`${family}.`)) add([followed])
      },
      [family, add],
    ),
  )
  useEffect(() => {
    const stop = new AbortController()
    void readNewest(family, stop.signal).then((events) => {
      if (!stop.signal.aborted) add(events)
    })
    return () => stop.abort()
  }, [family, add])
  return known?.family === family ? known.events : null
}

/** Those that were; what happens is told by the stream that every page has. None where they cannot be read. */
async function readNewest(family: string, signal: AbortSignal): Promise<FollowedEvent[]> {
  const settled = new AbortController()
  const found: FollowedEvent[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  // However long all of them take: many do over a slow line.
  const settleSoon = () => {
    clearTimeout(timer)
    timer = setTimeout(() => settled.abort(), settleMs)
  }
  try {
    const events = api.events.follow({
      last: most,
      ...(family === '' ? {} : { types: [`${family}.*`] }),
      signal: AbortSignal.any([signal, settled.signal]),
      onOpen: settleSoon,
    })
    for await (const event of events) {
      if (found.push(event) === most) break
      settleSoon()
    }
  } catch {
    // It was settled; or the page says elsewhere what is wrong with the server or the session.
  } finally {
    clearTimeout(timer)
    settled.abort()
  }
  return found
}

function merge(
  more: readonly FollowedEvent[],
  known: readonly FollowedEvent[],
): readonly FollowedEvent[] {
  const byId = new Map([...known, ...more].map((event) => [event.id, event]))
  return [...byId.values()].toSorted((one, other) => other.id - one.id).slice(0, most)
}
