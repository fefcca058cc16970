import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log } from '../db/log.ts'
import { answerWithoutUpgrade } from './answer-without-upgrade.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

/** A connection that wants to speak another protocol from now on. */
export interface Upgrade {
  request: IncomingMessage
  socket: Duplex
  /** What came behind the request's head. */
  head: Buffer
  /** There are as many clients as may be: this one is told so, in its protocol, and closed. */
  isFull: boolean
}

/** What speaks a protocol of sockets at a path of its own. */
export interface UpgradeTarget {
  /** Such as `/ws`, or a pattern of the whole path; a slash behind it is the same path. */
  path: string | RegExp
  /**
   * Ends when the handshake has: the socket is the target's then, or is closed. One that takes too
   * long is destroyed meanwhile.
   */
  upgrade(upgrade: Upgrade): Promise<void>
  /** Tells its clients that the server stops, and resolves when they are gone, within seconds. */
  close(): Promise<void>
}

/** All sockets of a server. */
export interface UpgradeDispatcher {
  /** Sockets that are open, in whatever state. */
  count(): number
  /** Takes no more, closes the targets, and cuts what is left. Repeating is harmless. */
  close(): Promise<void>
}

export interface UpgradeOptions {
  /** Sockets of all targets together. */
  maxClients: number
  /** Milliseconds that a handshake may take. Default 10,000. */
  handshakeMs?: number
}

/** Beyond `maxClients`, so many are told so in their protocol at once; others by HTTP. */
const toldPolitely = 100

/**
 * The one listener to `upgrade` on every server: it owns all sockets, so that parts with sockets
 * of their own do not take each other's. Other upgrades than to WebSockets, which clients of
 * HTTP/2 offer, are answered as if they had not been asked for.
 */
export function dispatchUpgrades(
  deps: { log: Log; servers: readonly Server[]; targets: readonly UpgradeTarget[] },
  options: UpgradeOptions,
): UpgradeDispatcher {
  const { log, servers, targets } = deps
  const { maxClients, handshakeMs = 10_000 } = options
  const open = new Set<Duplex>()
  let closed = false

  async function shakeHands(target: UpgradeTarget, upgrade: Upgrade): Promise<void> {
    const { socket } = upgrade
    const deadline = setTimeout(() => socket.destroy(), handshakeMs)
    try {
      await target.upgrade(upgrade)
    } catch (error) {
      log.error({ err: error, path: String(target.path) }, 'A handshake failed')
      socket.destroy()
    } finally {
      clearTimeout(deadline)
    }
  }

  function receive(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Nobody else listens before its target does, and one that is reset must not end the process.
    socket.on('error', () => socket.destroy())
    if (!isWebSocket(request)) return answerWithoutUpgrade(server, { request, socket, head })
    const path = pathOf(request)
    const target = targets.find((each) => isAt(each, path))
    if (target === undefined) return refuseUpgrade(socket, 404, `There is no socket at ${path}`)
    if (closed) return refuseUpgrade(socket, 503, 'The server is stopping')
    if (open.size >= maxClients + toldPolitely) {
      return refuseUpgrade(socket, 503, 'There are too many clients')
    }
    const isFull = open.size >= maxClients
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    void shakeHands(target, { request, socket, head, isFull })
  }

  for (const server of servers) {
    server.on('upgrade', (request, socket, head) => receive(server, request, socket, head))
  }
  return {
    count: () => open.size,
    async close() {
      closed = true
      await Promise.all(targets.map((target) => target.close()))
      for (const socket of open) socket.destroy()
    },
  }
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

function isAt({ path: own }: UpgradeTarget, path: string): boolean {
  return typeof own === 'string' ? own === path : own.test(path)
}

/** Of a request for an upgrade: without a slash at its end. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const path = url.split('?', 1)[0] ?? '/'
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
