import type { FollowedEvent } from '@slipway/sdk'
import { useEffect, useState } from 'react'
import { api, isStatus } from '../../api/client.ts'
import { isSignedOut } from '../../api/query-client.ts'
import { whileVisible } from '../../api/while-visible.ts'
import { useSession } from '../../session/session.ts'

/** Events that are kept on the page. */
const most = 100
/** Milliseconds after the stream has begun within which those that were are there. */
const settleMs = 500
/** Milliseconds between two tries where the server does not answer. */
const againMs = 5_000

/** The newest events of a family, the newest first, and whatever happens then; null: not known yet. */
export function useNewestEvents(family: string): readonly FollowedEvent[] | null {
  const [known, setKnown] = useState<{
    family: string
    events: readonly FollowedEvent[]
  } | null>(null)
  const { data } = useSession()
  // Each session has its own: a stream ends with the session that opened it.
  const session = data?.session?.csrf_token
  useEffect(() => {
    const stop = new AbortController()
    const timers = new Set<ReturnType<typeof setTimeout>>()
    let after: number | undefined
    const add = (more: readonly FollowedEvent[]) => {
      if (stop.signal.aborted) return
      setKnown((before) => ({
        family,
        events: [...more, ...(before?.family === family ? before.events : [])].slice(0, most),
      }))
    }
    const follow = async (signal: AbortSignal) => {
      const events = api.events.follow({
        ...(after === undefined ? { last: most } : { after }),
        ...(family === '' ? {} : { types: [`${family}.*`] }),
        signal,
        onOpen: () => void timers.add(setTimeout(() => add([]), settleMs)),
      })
      for await (const event of events) {
        after = event.id
        add([event])
      }
    }
    const keep = async () => {
      await whileVisible(follow, stop.signal).catch((error: unknown) => {
        if (stop.signal.aborted || isSignedOut(error) || isStatus(error, 403)) return
        timers.add(setTimeout(() => void keep(), againMs))
      })
    }
    void keep()
    return () => {
      stop.abort()
      for (const timer of timers) clearTimeout(timer)
    }
  }, [family, session])
  return known?.family === family ? known.events : null
}
