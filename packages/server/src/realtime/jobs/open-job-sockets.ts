import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JobSocketEvents, JobSocketRefusal } from '@slipway/contract/job-socket'
import type { ErrorCode } from '@slipway/contract/errors'
import { Server as Engine, type Socket as Session } from 'engine.io'
import { type DefaultEventsMap, Server } from 'socket.io'
import { isOwnOrigin } from '../../access/index.ts'
import type { Log } from '../../db/log.ts'
import { AppError } from '../../errors.ts'
import type { EventFeed, StoredEvent } from '../../events/index.ts'
import type { AuthenticateSocketDeps } from '../authenticate-socket.ts'
import { type Admitted, checkCredentials } from '../check-credentials.ts'
import type { UpgradeTarget } from '../dispatch-upgrades.ts'
import { followEvents } from '../follow-events.ts'
import { refuseUpgrade } from '../refuse-upgrade.ts'
import { admitClient } from './admit-client.ts'
import { type Client, type ClientData, hearClient, roomOf } from './hear-client.ts'
import { endSession, limitMessages, limitWaiting } from './limit-session.ts'
import { toldTypes, toMessage } from './to-message.ts'

export interface JobSocketsDeps extends Omit<AuthenticateSocketDeps, 'anonymousStatus'> {
  feed: EventFeed
  log: Log
  /** Whose pages may connect, besides those of the address that was asked; null: nobody's. */
  publicUrl: string | null
}

export interface JobSocketLimits {
  /** Connections, of whatever transport. Default 2,000. */
  maxClients?: number
  /** Connections of those who have not said yet who they are. Default 200. */
  maxUnknown?: number
  /** Milliseconds in which a client says who it is. Default 10,000. */
  handshakeMs?: number
  /** Repositories that a client hears of at once. Default 100. */
  maxRepositories?: number
  /** Messages of a client within ten seconds. Default 100. */
  maxMessages?: number
  /** Messages that may wait for a client for longer than `patienceMs`. Default 1,000. */
  maxWaiting?: number
  /** Default 2,000. */
  patienceMs?: number
  /** Milliseconds between two pings. Default 25,000. */
  heartbeatMs?: number
  /** Milliseconds in which a ping is answered. Default 20,000. */
  answerMs?: number
  /** Milliseconds between two looks whether credentials are still good. Default 2,000. */
  checkMs?: number
}

/** The connections of socket.io, over WebSockets and over requests that wait (polling). */
export interface JobSockets extends UpgradeTarget {
  /** Answers a request of a polling client; its body has not been read. */
  answer(request: IncomingMessage, response: ServerResponse): void
  /** Connections, of whatever transport. */
  count(): number
}

/** Bytes of a message, and of the body of a polling client; a token may be some thousands. */
const maxMessageBytes = 16_384
/** Milliseconds in which a client hears that it is closed. */
const farewellMs = 2_000
/** Credentials that are looked at at once; a flood of them may not take the database. */
const maxAuthenticating = 100

/**
 * socket.io at `/socket.io`: whoever may read delegated jobs is told of those of the repositories that it
 * subscribes to, on whichever server something happened. A client that comes back has missed what
 * happened meanwhile, and reads the state from the API. No listener of its own is on any server: it is
 * handed upgrades by the dispatcher, and requests by the application.
 */
export function openJobSockets(deps: JobSocketsDeps, limits: JobSocketLimits = {}): JobSockets {
  const { log } = deps
  const {
    maxClients = 2_000,
    maxUnknown = 200,
    handshakeMs = 10_000,
    maxRepositories = 100,
    maxMessages = 100,
    maxWaiting = 1_000,
    patienceMs = 2_000,
    heartbeatMs = 25_000,
    answerMs = 20_000,
    checkMs = 2_000,
  } = limits
  const sessions = new Set<Session>()
  const clients = new Map<Client, Admitted>()
  let authenticating = 0
  let closed = false

  const engine = new Engine({
    transports: ['polling', 'websocket'],
    pingInterval: heartbeatMs,
    pingTimeout: answerMs,
    maxHttpBufferSize: maxMessageBytes,
    perMessageDeflate: false,
    httpCompression: false,
    cookie: false,
    allowRequest(request, done) {
      const objection = objectTo(request)
      done(objection, objection === null)
    },
  })
  const io = new Server<DefaultEventsMap, JobSocketEvents, DefaultEventsMap, ClientData>({
    serveClient: false,
    connectTimeout: handshakeMs,
  })
  io.bind(engine)
  const checks = checkCredentials({ log }, { [Symbol.iterator]: () => clients.values() }, checkMs)
  const closing = new AbortController()
  const following = followEvents(deps, toldTypes, publish, closing.signal)

  /** Asked once for a connection, not for its further requests. */
  function objectTo({ headers: { origin, host = '' } }: IncomingMessage): string | null {
    if (closed) return 'The server is stopping'
    if (!isOwnOrigin({ origin, host }, deps.publicUrl))
      return 'Pages of other sites may not connect'
    if (sessions.size >= maxClients) return 'There are too many clients'
    return sessions.size - clients.size >= maxUnknown
      ? 'Too many connections are being opened'
      : null
  }

  engine.on('connection', (session: Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    limitMessages(session, maxMessages, () => {
      for (const client of clients.keys()) {
        if (client.conn === session) expel(client, 'limit_exceeded', 'Too many messages')
      }
      session.close()
    })
    limitWaiting(session, { max: maxWaiting, patienceMs }, () =>
      log.info({ address: session.remoteAddress }, 'A client that does not read was dropped'),
    )
  })

  io.use((client: Client, next) => {
    if (authenticating >= maxAuthenticating) return breakOff(client)
    void admit(client, next)
  })

  async function admit(client: Client, done: (refusal?: Error) => void): Promise<void> {
    const { handshake, request } = client
    authenticating += 1
    try {
      client.data.admission = await admitClient(deps, { auth: handshake.auth, request })
      done()
    } catch (error) {
      if (error instanceof AppError) return done(Object.assign(error, { data: refusalOf(error) }))
      log.error({ err: error }, 'A token could not be checked')
      breakOff(client)
    } finally {
      authenticating -= 1
    }
  }

  io.on('connection', (client: Client) => {
    // What cannot be decoded: its connection is closed.
    client.on('error', () => {})
    if (closed) return breakOff(client)
    const { admission } = client.data
    clients.set(client, {
      admission,
      expel(why) {
        if (why === 'unknown') breakOff(client)
        else expel(client, 'authentication_failed', 'The token is no longer valid')
      },
    })
    client.once('disconnect', () => clients.delete(client))
    hearClient(client, { maxRepositories })
  })

  function publish(event: StoredEvent): void {
    const { repository } = event
    if (repository === null) return
    const room = roomOf(repository)
    if (!io.sockets.adapter.rooms.has(room)) return
    const told = toMessage(event)
    // Written once for all.
    if (told !== null) io.to(room).emit(told.name, told.message)
  }

  /** A client that was disconnected by the server does not come back by itself. */
  function expel(client: Client, code: ErrorCode, error: string): void {
    const { conn } = client
    client.emit('error', { code, error })
    client.disconnect(true)
    setTimeout(() => conn.close(true), farewellMs).unref()
  }

  return {
    path: '/socket.io',
    count: () => sessions.size,
    answer(request, response) {
      engine.handleRequest(request, response)
    },
    async upgrade({ request, socket, head, isFull }) {
      if (closed) return refuseUpgrade(socket, 503, 'The server is stopping')
      if (isFull) return refuseUpgrade(socket, 503, 'There are too many clients')
      engine.handleUpgrade(request, socket, head)
    },
    async close() {
      closed = true
      closing.abort()
      checks.close()
      const deadline = AbortSignal.timeout(farewellMs)
      const ends = [...sessions].map((session) => endSession(session, deadline))
      await Promise.all([following, ...ends])
      engine.close()
    },
  }
}

/** A client whose connection breaks comes back; one that is refused stays away. */
function breakOff(client: Client): void {
  client.conn.close()
}

function refusalOf({ code, message }: AppError): JobSocketRefusal {
  return { code, error: message }
}
