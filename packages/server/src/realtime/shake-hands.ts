import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { isOwnOrigin, type Permission } from '../access/index.ts'
import type { Log } from '../db/log.ts'
import {
  type Admission,
  type AuthenticateSocketDeps,
  authenticateSocket,
  chooseProtocol,
} from './authenticate-socket.ts'
import { closeSocket } from './close-socket.ts'
import type { Upgrade } from './dispatch-upgrades.ts'
import { type RefusalBody, type RefusalStatus, refuseUpgrade } from './refuse-upgrade.ts'

export interface HandshakesDeps extends AuthenticateSocketDeps {
  log: Log
  /** Whose pages may connect, besides those of the address that was asked; null: nobody's. */
  publicUrl: string | null
}

/** A client that was let in. */
export interface Welcomed {
  socket: WebSocket
  admission: Admission
}

/** Why somebody who may ask is not let in all the same. */
export type Objection = { status: 400 | 404; details: string }

/** Lets clients in to the sockets of one target. */
export interface Handshakes {
  /**
   * Ends when the handshake has. Null: the client was refused, or has left. `object`, if given, is asked
   * about whoever has the permission.
   */
  shake(
    upgrade: Upgrade,
    object?: (admission: Admission) => Promise<Objection | null>,
  ): Promise<Welcomed | null>
}

/** Bytes of a client's message. */
const maxMessageBytes = 4_096
/** Credentials that are looked at at once; a flood of them may not take the database. */
const maxAuthenticating = 100

export function createHandshakes(
  deps: HandshakesDeps,
  permission: Permission,
  toBody?: RefusalBody,
): Handshakes {
  const { log } = deps
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Measured: three times the time to a thousand clients.
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    handleProtocols: chooseProtocol,
  })
  let authenticating = 0

  function refuse(
    socket: Duplex,
    status: RefusalStatus,
    details: string,
    headers: Readonly<Record<string, string>> = {},
  ): null {
    refuseUpgrade(socket, status, details, headers, toBody)
    return null
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

  async function turnAway(upgrade: Upgrade, code: number, reason: string): Promise<null> {
    const socket = await accept(upgrade)
    if (socket !== null) closeSocket(socket, code, reason)
    return null
  }

  async function admit(
    { request, socket }: Upgrade,
    object: (admission: Admission) => Promise<Objection | null>,
  ): Promise<Admission | null> {
    if (authenticating >= maxAuthenticating) {
      return refuse(socket, 503, 'Too many connections are being opened', { 'retry-after': '1' })
    }
    authenticating += 1
    try {
      const found = await authenticateSocket(deps, request, permission)
      if ('principal' in found) {
        const objection = await object(found)
        if (objection === null) return found
        return refuse(socket, objection.status, objection.details)
      }
      const { status, details } = found
      return refuse(socket, status, details, status === 401 ? { 'www-authenticate': 'Bearer' } : {})
    } catch (error) {
      log.error({ err: error }, 'A token could not be checked')
      return refuse(socket, 503, 'Whose token this is cannot be told at the moment')
    } finally {
      authenticating -= 1
    }
  }

  return {
    async shake(upgrade, object = async () => null) {
      const { origin, host = '' } = upgrade.request.headers
      if (!isOwnOrigin({ origin, host }, deps.publicUrl)) {
        return turnAway(upgrade, 1008, 'Pages of other sites may not connect')
      }
      if (upgrade.isFull) return turnAway(upgrade, 1013, 'There are too many clients')
      const admission = await admit(upgrade, object)
      if (admission === null) return null
      const socket = await accept(upgrade)
      return socket === null ? null : { socket, admission }
    },
  }
}
