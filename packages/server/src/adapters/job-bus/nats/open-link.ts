import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
  nkeyAuthenticator,
  type NodeConnectionOptions,
  type TlsOptions,
  type Subscription,
} from '@nats-io/transport-node'
import type { Log } from '../../../db/log.ts'
import type { NatsOptions } from './nats-options.ts'
import { atMost } from './at-most.ts'

/** A connection that is made again for as long as it takes. Subscriptions survive. */
export interface NatsLink {
  /** Null while there is none. What is published while it breaks is lost. */
  readonly connection: NatsConnection | null
  /** Why there is none. */
  readonly failure: Error | null
  subscribe(subject: string, callback: (message: Msg) => void): LinkSubscription
  /** Called each time that there is a connection again, until the returned function is called. */
  onConnected(listener: () => void): () => void
  close(): Promise<void>
}

export interface LinkSubscription {
  /** Takes what is on its way, but not longer than a second. Never rejects. */
  close(): Promise<void>
}

const firstPauseMs = 200
const longestPauseMs = 3000
const dialMs = 5000
/** Milliseconds between two signs of life that a silent connection is asked for; two unanswered ones break it. */
const pingMs = 10_000
const drainMs = 1000

/** Begins to connect, and does not wait for it. */
export function openLink(deps: { log: Log; options: NatsOptions; name: string }): NatsLink {
  const { log, options } = deps
  const settings = toSettings(options, deps.name)
  const wanted = new Map<Wanted, Subscription | null>()
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  /** As the library keeps it, also while it connects again by itself. */
  let made: NatsConnection | null = null
  let connected = false
  let failure: Error | null = new Error('There is no connection to NATS yet')

  const down = (error: Error) => {
    if (connected) log.warn({ err: error }, 'The connection to NATS is lost')
    connected = false
    failure = error
  }
  const up = () => {
    connected = true
    failure = null
    log.info({ server: made?.getServer() }, 'Connected to NATS')
    for (const listener of listeners) listener()
  }

  async function watch(connection: NatsConnection) {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') down(new Error('The connection to NATS is lost'))
      else if (status.type === 'reconnect') up()
      else if (status.type === 'error') {
        if (!connected) failure = status.error
        log.warn({ err: status.error }, 'NATS reports an error')
      }
    }
  }

  async function keep() {
    let pauseMs = firstPauseMs
    let said = ''
    while (!closing.signal.aborted) {
      try {
        const connection = await connect(settings)
        if (closing.signal.aborted) return await connection.close()
        made = connection
        for (const each of wanted.keys()) wanted.set(each, begin(connection, each))
        up()
        pauseMs = firstPauseMs
        void watch(connection)
        const error = await connection.closed()
        made = null
        if (closing.signal.aborted) break
        down(error instanceof Error ? error : new Error('The connection to NATS was closed'))
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error))
        if (failure.message !== said) log.warn({ err: failure }, 'NATS cannot be reached')
        said = failure.message
      }
      await rest(pauseMs, closing.signal)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }
  const ended = keep()

  return {
    get connection() {
      return connected ? made : null
    },
    get failure() {
      return connected ? null : failure
    },
    subscribe(subject, callback) {
      const each: Wanted = { subject, callback }
      wanted.set(each, made === null ? null : begin(made, each))
      return {
        async close() {
          const subscription = wanted.get(each) ?? null
          wanted.delete(each)
          if (subscription === null || subscription.isClosed()) return
          if (connected) await atMost(drainMs, subscription.drain())
          else subscription.unsubscribe()
        },
      }
    },
    onConnected(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closing.abort()
      const connection = made
      if (connection !== null) {
        // What was published just now has to be on its way.
        if (connected) await atMost(drainMs, connection.flush())
        await connection.close()
      }
      await ended
      listeners.clear()
    },
  }
}

interface Wanted {
  subject: string
  callback: (message: Msg) => void
}

function begin(connection: NatsConnection, { subject, callback }: Wanted): Subscription {
  return connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) callback(message)
    },
  })
}

function toSettings(options: NatsOptions, name: string): NodeConnectionOptions {
  const { tls } = options
  return {
    servers: [...options.servers],
    name,
    timeout: dialMs,
    pingInterval: pingMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: firstPauseMs,
    reconnectJitter: firstPauseMs,
    // A trace of each message that might fail costs more than sending it.
    noAsyncTraces: true,
    // Credentials may be put right while we try.
    ignoreAuthErrorAbort: true,
    ...authentication(options.credentials),
    ...(tls === null ? {} : { tls: toTls(options.servers, tls) }),
  }
}

/**
 * A name in an address is what the certificate has to be for. For a number the library forgets which it was, so
 * the certificate has to be for one of those that we were given; others of the cluster are not believed then.
 */
function toTls(servers: readonly string[], tls: NonNullable<NatsOptions['tls']>): TlsOptions {
  const addresses = servers.map(hostOf).filter((host) => isIP(host) !== 0)
  return {
    ...(tls.caFile === null ? {} : { caFile: tls.caFile }),
    ...(tls.client === null ? {} : tls.client),
    ...(addresses.length === 0
      ? {}
      : {
          checkServerIdentity(host: string, certificate: PeerCertificate) {
            if (host !== unknownHost) return checkServerIdentity(host, certificate)
            const errors = addresses.map((address) => checkServerIdentity(address, certificate))
            return errors.includes(undefined) ? undefined : errors[0]
          },
        }),
  }
}

/** What Node takes the other side to be called where it is not told. */
const unknownHost = 'localhost'

function hostOf(server: string): string {
  return server.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

function authentication(
  credentials: NatsOptions['credentials'],
): Pick<NodeConnectionOptions, 'authenticator' | 'user' | 'pass' | 'token'> {
  switch (credentials.kind) {
    case 'none':
      return {}
    case 'password':
      return { user: credentials.user, pass: credentials.password }
    case 'token':
      return { token: credentials.token }
    case 'nkey':
      return { authenticator: nkeyAuthenticator(Buffer.from(credentials.seed)) }
    case 'file':
      return { authenticator: fromFile(credentials.path) }
  }
}

function fromFile(path: string): Authenticator {
  return credsAuthenticator(() => readFileSync(path))
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
