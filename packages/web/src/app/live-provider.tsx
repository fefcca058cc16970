import { useQueryClient } from '@tanstack/react-query'
import type { FollowedEvent } from '@slipway/sdk'
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react'
import { type Connection, followLive } from '../api/live.ts'
import { beginAnew } from './begin-anew.ts'
import { leave, onChangeElsewhere, useSession, useSignedOut } from '../session/session.ts'

const ConnectionContext = createContext<Connection>('connecting')

/** Whether what is shown is live; the shell says so where it is not. */
export function useConnection(): Connection {
  return useContext(ConnectionContext)
}

type Listener = (event: FollowedEvent) => void
const ListenersContext = createContext<Set<Listener>>(new Set())

/** Calls back with every event while the component is there; `listen` must stay the same. */
export function useEvents(listen: Listener): void {
  const listeners = useContext(ListenersContext)
  useEffect(() => {
    listeners.add(listen)
    return () => void listeners.delete(listen)
  }, [listeners, listen])
}

/** Keeps every query new while somebody is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [connection, setConnection] = useState<Connection>('connecting')
  const listeners = useRef(new Set<Listener>())
  const signedOut = useSignedOut()
  // Each session has its own: a stream ends with the session that opened it.
  const { data } = useSession()
  const session = data?.session?.csrf_token
  const person = data?.id
  useEffect(
    () =>
      onChangeElsewhere((change) => {
        if (change === 'signed out') leave('/sign-in')
        else void queries.invalidateQueries({ queryKey: ['session'] })
      }),
    [queries],
  )
  const opened = useRef({ session, person })
  useEffect(() => {
    const before = opened.current
    if (before.session === session) return
    opened.current = { session, person: person ?? before.person }
    beginAnew(queries, { before: before.person, now: person })
  }, [queries, session, person])
  useEffect(() => {
    if (signedOut) {
      setConnection('signed-out')
      return undefined
    }
    const stop = new AbortController()
    const tell = (now: Connection) => {
      if (stop.signal.aborted) return
      setConnection(now)
      if (now === 'signed-out') void queries.invalidateQueries({ queryKey: ['session'] })
    }
    const onEvent = (event: FollowedEvent) => {
      for (const listen of listeners.current) listen(event)
    }
    followLive(queries, { tell, onEvent, signal: stop.signal }).catch(() => tell('polling'))
    return () => stop.abort()
  }, [queries, session, signedOut])
  return (
    <ConnectionContext value={connection}>
      <ListenersContext value={listeners.current}>{children}</ListenersContext>
    </ConnectionContext>
  )
}
