import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { isOwnOrigin } from '../../access/index.ts'
import type { Log } from '../../db/log.ts'
import type { EventFeed, StoredEvent } from '../../events/index.ts'
import type { MonitorDeps } from '../../monitor/index.ts'
import { type AuthenticateSocketDeps, authenticateSocket } from '../authenticate-socket.ts'
import { closeSocket } from '../close-socket.ts'
import type { Upgrade, UpgradeTarget } from '../dispatch-upgrades.ts'
import { refuseUpgrade } from '../refuse-upgrade.ts'
import { type ClientLimits, createStatusClients } from './clients.ts'
import { followEvents } from './follow-events.ts'
import { type FiguresOptions, keepFigures } from './keep-figures.ts'
import { toFrames } from './to-frames.ts'

export interface StatusSocketsDeps extends AuthenticateSocketDeps {
  log: Log
  feed: EventFeed
  monitor: MonitorDeps
  /** Whose pages may connect, besides those of the address that was asked; null: nobody's. */
  publicUrl: string | null
}

/** Bytes of a client's message. */
const maxMessageBytes = 4_096
/** Credentials that are looked at at once; a flood of them may not take the database. */
const maxAuthenticating = 100

/**
 * The socket `/ws` of the status family: whoever may read pipelines is told of what happens in them, by
 * whichever server it was stored. A client that comes back has missed what happened meanwhile, and reads
 * the state from the API.
 */
export function openStatusSockets(
  deps: StatusSocketsDeps,
  options: ClientLimits & FiguresOptions = {},
): UpgradeTarget {
  const { log } = deps
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Measured: three times the time to a thousand clients.
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  })
  const clients = createStatusClients({ log, onSubscribed: () => figures.wake() }, options)
  const figures = keepFigures({ ...deps, clients }, options)
  const closing = new AbortController()
  const following = followEvents(deps, publish, closing.signal)
  let authenticating = 0

  function publish(event: StoredEvent): void {
    const { repository } = event
    if (repository === null) return
    let frames: Buffer[] | undefined
    for (const view of clients.views()) {
      if (!view.sees(repository)) continue
      frames ??= toFrames(event)
      for (const frame of frames) clients.send(view.clients, frame)
    }
    figures.note(repository)
  }

  /** Null: it was no handshake of WebSockets, or the client has left. */
  function accept({ request, socket, head }: Upgrade): Promise<WebSocket | null> {
    return new Promise((resolve) => {
      if (socket.destroyed) return resolve(null)
      socket.once('close', () => resolve(null))
      server.handleUpgrade(request, socket, head, (accepted) => {
        accepted.on('error', () => {})
        resolve(accepted)
      })
    })
  }

  async function turnAway(upgrade: Upgrade, code: number, reason: string): Promise<void> {
    const socket = await accept(upgrade)
    if (socket !== null) closeSocket(socket, code, reason)
  }

  async function admit(upgrade: Upgrade) {
    const { request, socket } = upgrade
    if (authenticating >= maxAuthenticating) return busy(socket)
    authenticating += 1
    try {
      const found = await authenticateSocket(deps, request, 'pipelines:read')
      if ('principal' in found) return found
      const { status, details } = found
      refuseUpgrade(socket, status, details, status === 401 ? { 'www-authenticate': 'Bearer' } : {})
    } catch (error) {
      log.error({ err: error }, 'A token could not be checked')
      refuseUpgrade(socket, 503, 'Whose token this is cannot be told at the moment')
    } finally {
      authenticating -= 1
    }
    return null
  }

  return {
    path: '/ws',
    async upgrade(upgrade) {
      const { origin, host = '' } = upgrade.request.headers
      if (!isOwnOrigin({ origin, host }, deps.publicUrl)) {
        return turnAway(upgrade, 1008, 'Pages of other sites may not connect')
      }
      if (upgrade.isFull) return turnAway(upgrade, 1013, 'There are too many clients')
      const admission = await admit(upgrade)
      if (admission === null) return
      const socket = await accept(upgrade)
      if (socket !== null) clients.add(socket, admission)
    },
    async close() {
      closing.abort()
      await Promise.all([following, figures.close(), clients.close()])
    },
  }
}

function busy(socket: Duplex): null {
  refuseUpgrade(socket, 503, 'Too many connections are being opened', { 'retry-after': '1' })
  return null
}
