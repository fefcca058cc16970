import type { RawData, WebSocket } from 'ws'
import type { Log } from '../../db/log.ts'
import type { Admission } from '../authenticate-socket.ts'
import { type KeptSocket, keepSockets, type SocketLimits } from '../keep-sockets.ts'
import { answerMessage } from './answer-message.ts'
import { channels } from './channels.ts'
import { createViews, type View } from './views.ts'

export interface ClientLimits extends SocketLimits {
  /** Bytes that a client may leave unread, beyond what the system holds for it. Default 256 KiB. */
  maxBufferedBytes?: number
}

/** The clients of `/ws`. */
export interface StatusClients {
  add(socket: WebSocket, admission: Admission): void
  /** By what they may see, those that hear the channel `pipelines`. */
  views(): Iterable<View<Client>>
  /** Sends the same bytes to all of them. */
  send(clients: Iterable<Client>, frame: Buffer): void
  close(): Promise<void>
}

export interface Client {
  readonly socket: WebSocket
  readonly admission: Admission
  readonly subscriptions: Set<string>
}

const asText = { binary: false, compress: false }

/** Keeps the clients: their conversation, their limits, and whether they are still there and welcome. */
export function createStatusClients(
  deps: { log: Log; onSubscribed: () => void },
  limits: ClientLimits = {},
): StatusClients {
  const { maxBufferedBytes = 262_144 } = limits
  const sockets = keepSockets({ log: deps.log, onPing: dropIfBehind }, limits)
  const subscribers = createViews<Client>()

  function send({ socket }: Client, message: Buffer | string): void {
    if (socket.readyState !== socket.OPEN) return
    socket.send(message, asText)
    dropIfBehind(socket)
  }

  function dropIfBehind(socket: WebSocket): void {
    if (socket.bufferedAmount <= maxBufferedBytes) return
    deps.log.info({ bytes: socket.bufferedAmount }, 'A client that does not read was dropped')
    socket.terminate()
  }

  function hear(client: Client, kept: KeptSocket, data: RawData, isBinary: boolean): void {
    if (client.socket.readyState !== client.socket.OPEN || !kept.mayTalk()) return
    const answer = isBinary
      ? { type: 'error', message: 'A message is text, not bytes' }
      : answerMessage(client.subscriptions, textOf(data))
    send(client, JSON.stringify({ ...answer, timestamp: new Date().toISOString() }))
    if (!client.subscriptions.has('pipelines')) return subscribers.remove(client)
    if (subscribers.add(client, client.admission.principal)) deps.onSubscribed()
  }

  return {
    add(socket, admission) {
      const kept = sockets.add(socket, admission)
      if (kept === null) return
      const client: Client = { socket, admission, subscriptions: new Set() }
      socket.on('close', () => subscribers.remove(client))
      socket.on('message', (data, isBinary) => hear(client, kept, data, isBinary))
      const timestamp = new Date().toISOString()
      send(client, JSON.stringify({ type: 'phase2.channels', channels, timestamp }))
    },
    views: () => subscribers.all(),
    send(to, frame) {
      for (const client of to) send(client, frame)
    },
    close: () => sockets.close(),
  }
}

/** ws gives one Buffer, unless it is told otherwise. */
function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString() : ''
}
