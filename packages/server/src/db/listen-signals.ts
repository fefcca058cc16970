import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { connectPatiently } from './connect-patiently.ts'
import type { Log } from './log.ts'
import { checkSignal, createListeners, type Signals } from './signals.ts'

/** The one PostgreSQL channel; ours travel inside it, so that a listener more costs no statement. */
const postgresChannel = 'slipway'
const longestPauseMs = 10_000
const probeEveryMs = 30_000
const answerMs = 10_000

export interface ListenSignalsDeps {
  /** Of the database; a connection of its own listens there. */
  url: string
  /** Sends what is notified. Stays open for as long as the signals. */
  pool: pg.Pool
  log: Log
}

/**
 * Signals between all servers of one database, by LISTEN and NOTIFY. Rejects when the database
 * can't be reached now; one that goes away later is connected to again, with growing pauses, and then
 * every listener is called with null.
 */
export async function listenSignals(deps: ListenSignalsDeps): Promise<Signals> {
  const { log, pool } = deps
  const self = randomUUID()
  const listeners = createListeners(log)
  const closing = new AbortController()
  const unsent = new Set<string>()
  let sending: Promise<void> | null = null

  const receive = (message: string) => {
    const parsed = parseMessage(message)
    // What this process notified, it was told at once.
    if (parsed !== null && parsed.sender !== self) listeners.call(parsed.channel, parsed.payload)
  }
  let connection = await listen(deps.url, receive)

  const stayConnected = async () => {
    for (;;) {
      await connection.lost
      if (closing.signal.aborted) return
      log.warn({}, 'The connection for signals was lost')
      for (let pause = 100; ; pause = Math.min(pause * 2, longestPauseMs)) {
        try {
          connection = await listen(deps.url, receive)
          break
        } catch {
          const jittered = pause * (0.5 + Math.random() / 2)
          await sleep(jittered, undefined, { signal: closing.signal }).catch(() => {})
          if (closing.signal.aborted) return
        }
      }
      log.info({}, 'Signals are back')
      listeners.callAll()
    }
  }
  const connected = stayConnected()

  /** Sends all that has gathered, until nothing has: equal signals that wait together become one. */
  const send = async () => {
    while (unsent.size > 0) {
      const messages = [...unsent]
      unsent.clear()
      try {
        const client = await connectPatiently(pool, answerMs)
        try {
          await client.query('select pg_notify($1, message) from unnest($2::text[]) as message', [
            postgresChannel,
            messages,
          ])
        } finally {
          client.release()
        }
      } catch (error) {
        log.warn({ err: error, signals: messages.length }, 'Signals could not be sent')
      }
    }
    sending = null
  }

  let closed: Promise<void> | undefined
  return {
    notify(channel, payload = '') {
      checkSignal(channel, payload)
      if (closing.signal.aborted) return
      listeners.call(channel, payload)
      unsent.add(JSON.stringify([self, channel, payload]))
      sending ??= Promise.resolve().then(send)
    },
    on: (channel, listener) => listeners.add(channel, listener),
    close() {
      closed ??= (async () => {
        closing.abort()
        listeners.clear()
        await sending
        await connection.end()
        await connected
        // One that was just being made again when the end came.
        await connection.end()
      })()
      return closed
    },
  }
}

interface Connection {
  /** Resolves when it is of no use any more, for whatever reason. */
  readonly lost: Promise<void>
  end(): Promise<void>
}

async function listen(url: string, receive: (message: string) => void): Promise<Connection> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'slipway-signals',
    connectionTimeoutMillis: answerMs,
    query_timeout: answerMs,
    keepAlive: true,
  })
  const lost = new Promise<void>((resolve) => {
    client.on('error', () => resolve())
    client.on('end', () => resolve())
  })
  client.on('notification', ({ payload }) => receive(payload ?? ''))
  const end = () => client.end().catch(() => {})
  try {
    await client.connect()
    await client.query(`listen ${postgresChannel}`)
  } catch (error) {
    await end()
    throw error
  }
  // A peer that vanished without a word is noticed by asking.
  const probe = setInterval(() => {
    client.query('select 1').catch(end)
  }, probeEveryMs)
  probe.unref()
  return {
    lost: lost.then(() => {
      clearInterval(probe)
      return end()
    }),
    end,
  }
}

function parseMessage(message: string) {
  try {
    const parsed: unknown = JSON.parse(message)
    if (!Array.isArray(parsed)) return null
    const [sender, channel, payload] = parsed as unknown[]
    if (typeof sender !== 'string' || typeof channel !== 'string') return null
    return typeof payload === 'string' ? { sender, channel, payload } : null
  } catch {
    return null
  }
}
