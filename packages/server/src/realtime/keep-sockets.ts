import type { WebSocket } from 'ws'
import type { Log } from '../db/log.ts'
import type { Admission } from './authenticate-socket.ts'
import { type Admitted, checkCredentials } from './check-credentials.ts'
import { closeSocket, closeSockets } from './close-socket.ts'

export interface SocketLimits {
  /** Messages and pings of a client within ten seconds. Default 100. */
  maxMessages?: number
  /** Milliseconds between two pings; whoever has not answered by the next is dead. Default 30,000. */
  heartbeatMs?: number
  /** Milliseconds between two looks whether credentials are still good. Default 2,000. */
  checkMs?: number
}

/** Clients that are let in, as long as they are there and welcome. */
export interface KeptSockets {
  /** Null: the server stops, and the client was told so. Its socket's end is the keeper's to see. */
  add(socket: WebSocket, admission: Admission): KeptSocket | null
  /** Tells all that the server stops, and resolves when they are gone. */
  close(): Promise<void>
}

export interface KeptSocket {
  /** Whether the client may say something once more; if not, it was told so, and closed. */
  mayTalk(): boolean
}

interface Kept extends KeptSocket, Admitted {
  readonly socket: WebSocket
  isAlive: boolean
}

const windowMs = 10_000

/** Cuts whoever is dead, and closes the sockets of credentials that are no longer good. */
export function keepSockets(
  { log, onPing }: { log: Log; onPing?: (socket: WebSocket) => void },
  { maxMessages = 100, heartbeatMs = 30_000, checkMs = 2_000 }: SocketLimits = {},
): KeptSockets {
  const all = new Set<Kept>()
  let closed = false

  const heartbeat = setInterval(() => {
    for (const kept of all) {
      if (!kept.isAlive) {
        kept.socket.terminate()
        continue
      }
      kept.isAlive = false
      kept.socket.ping()
    }
  }, heartbeatMs)
  heartbeat.unref()
  const checks = checkCredentials({ log }, all, checkMs)

  return {
    add(socket, admission) {
      // Broken frames and messages that are too long: ws closes with the code that says so.
      socket.on('error', () => {})
      if (closed) {
        closeSocket(socket, 1001, 'The server is stopping')
        return null
      }
      let messages = 0
      let countedSince = performance.now()
      const kept: Kept = {
        socket,
        admission,
        isAlive: true,
        expel(why) {
          if (why === 'invalid') closeSocket(socket, 1008, 'The token is no longer valid')
          else closeSocket(socket, 1013, 'The token cannot be checked')
        },
        mayTalk() {
          const now = performance.now()
          if (now - countedSince > windowMs) {
            messages = 0
            countedSince = now
          }
          messages += 1
          if (messages <= maxMessages) return true
          closeSocket(socket, 1008, 'Too many messages')
          return false
        },
      }
      all.add(kept)
      socket.on('close', () => all.delete(kept))
      socket.on('pong', () => void (kept.isAlive = true))
      // ws has answered it already.
      socket.on('ping', () => void (kept.mayTalk() && onPing?.(socket)))
      return kept
    },
    async close() {
      closed = true
      clearInterval(heartbeat)
      checks.close()
      await closeSockets(
        [...all].map(({ socket }) => socket),
        1001,
        'The server is stopping',
      )
    },
  }
}
