import type { RawData, WebSocket } from 'ws'
import type { Log } from '../../db/log.ts'
import type { Admission } from '../authenticate-socket.ts'
import { closeSocket, closeSockets } from '../close-socket.ts'
import { answerMessage } from './answer-message.ts'
import { channels } from './channels.ts'
import { createViews, type View } from './views.ts'

export interface ClientLimits {
  /** Bytes that a client may leave unread, beyond what the system holds for it. Default 256 KiB. */
  maxBufferedBytes?: number
  /** Messages and pings of a client within ten seconds. Default 100. */
  maxMessages?: number
  /** Milliseconds between two pings; whoever has not answered by the next is dead. Default 30,000. */
  heartbeatMs?: number
  /** Milliseconds between two looks whether credentials are still good. Default 2,000. */
  checkMs?: number
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
  isAlive: boolean
  /** Messages since `countedSince`. */
  messages: number
  countedSince: number
}

const windowMs = 10_000
/** Looks in a row that found nobody who could tell whether a credential is good. */
const unansweredChecks = 3
const asText = { binary: false, compress: false }

/** Keeps the clients: their conversation, their limits, and whether they are still there and welcome. */
export function createStatusClients(
  deps: { log: Log; onSubscribed: () => void },
  limits: ClientLimits = {},
): StatusClients {
  const { maxBufferedBytes = 262_144, maxMessages = 100 } = limits
  const { heartbeatMs = 30_000, checkMs = 2_000 } = limits
  const clients = new Set<Client>()
  const subscribers = createViews<Client>()
  /** Looks in a row without an answer, by credential. */
  let unanswered = new Map<string, number>()
  let closed = false
  let checking = false

  function send(client: Client, message: Buffer | string): void {
    const { socket } = client
    if (socket.readyState !== socket.OPEN) return
    socket.send(message, asText)
    dropIfBehind(client)
  }

  function dropIfBehind({ socket }: Client): void {
    if (socket.bufferedAmount <= maxBufferedBytes) return
    deps.log.info({ bytes: socket.bufferedAmount }, 'A client that does not read was dropped')
    socket.terminate()
  }

  /** Whether the client may say something once more. */
  function count(client: Client): boolean {
    const now = performance.now()
    if (now - client.countedSince > windowMs) {
      client.messages = 0
      client.countedSince = now
    }
    client.messages += 1
    if (client.messages <= maxMessages) return true
    closeSocket(client.socket, 1008, 'Too many messages')
    return false
  }

  function hear(client: Client, data: RawData, isBinary: boolean): void {
    if (client.socket.readyState !== client.socket.OPEN || !count(client)) return
    const answer = isBinary
      ? { type: 'error', message: 'A message is text, not bytes' }
      : answerMessage(client.subscriptions, textOf(data))
    send(client, JSON.stringify({ ...answer, timestamp: new Date().toISOString() }))
    if (!client.subscriptions.has('pipelines')) return subscribers.remove(client)
    subscribers.add(client, client.admission.principal)
    deps.onSubscribed()
  }

  async function check(): Promise<void> {
    const byCredential = new Map<string, Client[]>()
    for (const client of clients) {
      const { credential } = client.admission
      const same = byCredential.get(credential)
      if (same === undefined) byCredential.set(credential, [client])
      else same.push(client)
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
    for (const client of clients) {
      if (!client.isAlive) {
        client.socket.terminate()
        continue
      }
      client.isAlive = false
      client.socket.ping()
    }
  }, heartbeatMs)
  heartbeat.unref()
  const checks = setInterval(() => {
    if (checking) return
    checking = true
    check()
      .catch((error: unknown) => deps.log.warn({ err: error }, 'Clients could not be checked'))
      .finally(() => void (checking = false))
  }, checkMs)
  checks.unref()

  return {
    add(socket, admission) {
      const client: Client = {
        socket,
        admission,
        subscriptions: new Set(),
        isAlive: true,
        messages: 0,
        countedSince: performance.now(),
      }
      // Broken frames and messages that are too long: ws closes with the code that says so.
      socket.on('error', () => {})
      socket.on('close', () => {
        clients.delete(client)
        subscribers.remove(client)
      })
      if (closed) return closeSocket(socket, 1001, 'The server is stopping')
      clients.add(client)
      socket.on('pong', () => void (client.isAlive = true))
      // ws has answered it already.
      socket.on('ping', () => void (count(client) && dropIfBehind(client)))
      socket.on('message', (data, isBinary) => hear(client, data, isBinary))
      const timestamp = new Date().toISOString()
      send(client, JSON.stringify({ type: 'phase2.channels', channels, timestamp }))
    },
    views: () => subscribers.all(),
    send(to, frame) {
      for (const client of to) send(client, frame)
    },
    async close() {
      closed = true
      clearInterval(heartbeat)
      clearInterval(checks)
      await closeSockets(
        [...clients].map(({ socket }) => socket),
        1001,
        'The server is stopping',
      )
    },
  }
}

/** ws gives one Buffer, unless it is told otherwise. */
function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString() : ''
}
