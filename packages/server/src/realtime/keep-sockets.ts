import type { WebSocket } from 'ws'
import type { Log } from '../db/log.ts'
import type { Admission } from './authenticate-socket.ts'
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

interface Kept extends KeptSocket {
  readonly socket: WebSocket
  readonly admission: Admission
  isAlive: boolean
}

const windowMs = 10_000
/** Looks in a row that found nobody who could tell whether a credential is good. */
const unansweredChecks = 3

/** Cuts whoever is dead, and closes the sockets of credentials that are no longer good. */
export function keepSockets(
  { log, onPing }: { log: Log; onPing?: (socket: WebSocket) => void },
  { maxMessages = 100, heartbeatMs = 30_000, checkMs = 2_000 }: SocketLimits = {},
): KeptSockets {
  const all = new Set<Kept>()
  /** Looks in a row without an answer, by credential. */
  let unanswered = new Map<string, number>()
  let closed = false
  let checking = false

  async function check(): Promise<void> {
    const byCredential = new Map<string, Kept[]>()
    for (const kept of all) {
      const { credential } = kept.admission
      const same = byCredential.get(credential)
      if (same === undefined) byCredential.set(credential, [kept])
      else same.push(kept)
    }
    const stillUnanswered = new Map<string, number>()
    for (const [credential, same] of byCredential) {
      const [first] = same
      if (closed || first === undefined) return
      const isGood = await first.admission.stillValid().catch(() => null)
      if (isGood === true) continue
      const times = (unanswered.get(credential) ?? 0) + 1
      if (isGood === null && times < unansweredChecks) {
        stillUnanswered.set(credential, times)
        continue
      }
      for (const { socket } of same) {
        if (isGood === null) closeSocket(socket, 1013, 'The token cannot be checked')
        else closeSocket(socket, 1008, 'The token is no longer valid')
      }
    }
    unanswered = stillUnanswered
  }

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
  const checks = setInterval(() => {
    if (checking) return
    checking = true
    check()
      .catch((error: unknown) => log.warn({ err: error }, 'Clients could not be checked'))
      .finally(() => void (checking = false))
  }, checkMs)
  checks.unref()

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
      clearInterval(checks)
      await closeSockets(
        [...all].map(({ socket }) => socket),
        1001,
        'The server is stopping',
      )
    },
  }
}
