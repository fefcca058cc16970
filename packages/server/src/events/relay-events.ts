import type { Pool } from 'pg'
import type { Log } from '../db/log.ts'
import type { Signals } from '../db/signals.ts'
import { numberEvents, type NumberedEvents } from './event-queries.ts'
import { EVENTS_CHANNEL } from './events-channel.ts'

/**
 * Gives committed events their numbers and hands them on.
 *
 * Concurrency: every server has one; PostgreSQL's lock lets them number one at a time, so any of
 * them numbers what any of them wrote, and each event is handed on in its own server only. The
 * others hear of it by a signal, and at the latest by their own safety poll.
 * Failure: logged once per series and tried again, at growing intervals, until it is closed.
 */
export interface EventRelay {
  /** Something was committed. Returns at once; any number of calls cost one batch. */
  wake(): void
  /** Ends after the batch under way; what is left is numbered by the next server. */
  close(): Promise<void>
}

export interface EventRelayDeps {
  pool: Pool
  /** Told of every batch, in order; must not throw. The feed's `publish`. */
  publish: (batch: NumberedEvents) => void
  /** Absent: this is the only server. */
  signals?: Signals
  log: Pick<Log, 'warn'>
  /** Events per batch. Default 1000. */
  batchSize?: number
  /** For events whose wake was lost with their server. Default 5 seconds. */
  pollMs?: number
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000

export function startEventRelay(deps: EventRelayDeps): EventRelay {
  const { pool, publish, signals, log, batchSize = 1000, pollMs = 5_000 } = deps
  let closed = false
  let asked = false
  let failures = 0
  let running: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined

  const poll = setInterval(() => wake(), pollMs)
  poll.unref()

  function wake() {
    asked = true
    if (!closed && running === undefined && retry === undefined) running = run()
  }

  async function run() {
    try {
      while (asked && !closed) {
        asked = false
        const batch = await numberEvents(pool, batchSize)
        failures = 0
        if (batch.events.length === batchSize) asked = true
        publish(batch)
        if (batch.events.length > 0) signals?.notify(EVENTS_CHANNEL, String(batch.last))
      }
    } catch (error) {
      failures += 1
      if (failures === 1 && !closed) log.warn({ err: error }, 'Events could not be numbered')
      tryAgain()
    } finally {
      running = undefined
    }
  }

  function tryAgain() {
    if (closed) return
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS)
    retry = setTimeout(() => {
      retry = undefined
      wake()
    }, delay)
    retry.unref()
  }

  wake()

  return {
    wake,
    async close() {
      closed = true
      clearInterval(poll)
      clearTimeout(retry)
      await running
    },
  }
}
