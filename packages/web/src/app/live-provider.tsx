import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { type Connection, followLive } from '../api/live.ts'

const ConnectionContext = createContext<Connection>('connecting')

/** Whether what is shown is live; the shell says so where it is not. */
export function useConnection(): Connection {
  return useContext(ConnectionContext)
}

/** Keeps every query new while somebody is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [connection, setConnection] = useState<Connection>('connecting')
  useEffect(() => {
    const stop = new AbortController()
    const tell = (now: Connection) => {
      if (stop.signal.aborted) return
      setConnection(now)
      if (now === 'signed-out') void queries.invalidateQueries({ queryKey: ['session'] })
    }
    followLive(queries, tell, stop.signal).catch(() => tell('polling'))
    return () => stop.abort()
  }, [queries])
  return <ConnectionContext value={connection}>{children}</ConnectionContext>
}
