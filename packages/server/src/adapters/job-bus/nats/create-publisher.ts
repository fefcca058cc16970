import type { JobType } from '@slipway/contract/jobs'
import { type Kysely, sql } from 'kysely'
import type { Log } from '../../../db/log.ts'
import type { Tables } from '../../../db/tables.gen.ts'
import type { JobNotice } from '../../../ports/job-bus.ts'
import { atMost } from './at-most.ts'
import { writeEnvelope } from './envelope.ts'
import { type NatsLayout, subjectOf } from './layout.ts'
import type { NatsLink } from './open-link.ts'
import { openStreamWriter } from './open-stream-writer.ts'

/** Publishes jobs that the ledger has queued. */
export interface Publisher {
  /** Publishes them soon, or leaves them to whoever looks for what is missing. Never rejects. */
  wake(notices: readonly JobNotice[]): void
  /**
   * Publishes those that are queued; answers how many NATS has stored. `again`: their messages are
   * known to be gone, so that NATS must not take them for doubles.
   */
  publish(ids: readonly string[], how?: { again: string }): Promise<number>
  close(): Promise<void>
}

const batchSize = 500
/** More than this waiting is left to the duty, which knows where to begin. */
const maxWaiting = 100_000
const maxTimers = 10_000
/** Milliseconds that what is on its way has when it is closed. */
const closeMs = 2000
/** A job that is due later is the duty's. */
const longestDelayMs = 300_000
/** Bytes of a message that are not its text. */
const marginBytes = 1024

export function createPublisher(deps: {
  db: Kysely<Tables>
  log: Log
  link: NatsLink
  layout: NatsLayout
  prefix: string
  /** Where this process listens for replies: a job's inbox is this, a dot and its id. */
  inbox: string
}): Publisher {
  const { db, link, layout, log } = deps
  const writer = openStreamWriter(link)
  const waiting = new Set<string>()
  const timers = new Set<NodeJS.Timeout>()
  let working: Promise<void> | null = null
  let closed = false

  async function read(ids: readonly string[]): Promise<QueuedRow[]> {
    const { rows } = await sql<QueuedRow>`
      select id, type, subject, run_id, payload, attempt from jobs
       where id = any (${ids}::uuid[]) and state = 'queued'`.execute(db)
    return rows
  }

  async function publish(ids: readonly string[], how?: { again: string }): Promise<number> {
    const { connection } = link
    if (connection === null || ids.length === 0) return 0
    const maxBytes = (connection.info?.max_payload ?? 0) - marginBytes
    const messages = (await read(ids)).flatMap((row) => {
      const of = layout.byType.get(row.type)
      if (of === undefined) return []
      const text = writeEnvelope(
        {
          job_id: row.id,
          type: of.type as JobType,
          run_id: row.run_id,
          attempt: row.attempt,
          reply_to: `${deps.inbox}.${row.id}`,
          payload: row.payload,
        },
        maxBytes,
      )
      const own = `${row.id}:${row.attempt}`
      const id = how === undefined ? own : `${own}:${how.again}`
      return [{ subject: subjectOf(of, deps.prefix, row), text, id }]
    })
    const { stored, failure } = await writer.store(messages)
    if (failure !== null) {
      log.warn({ err: failure }, 'Jobs were not published: they will be again')
    }
    return stored.filter(Boolean).length
  }

  async function work() {
    // What is committed by one turn of the event loop goes together.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.size > 0) {
      const ids = [...waiting].slice(0, batchSize)
      for (const id of ids) waiting.delete(id)
      try {
        await publish(ids)
      } catch (error) {
        log.warn({ err: error }, 'Jobs could not be read to be published: they will be again')
      }
    }
  }

  function add(id: string) {
    if (closed || link.connection === null || waiting.size >= maxWaiting) return
    waiting.add(id)
    working ??= work().finally(() => {
      working = null
    })
  }

  return {
    wake(notices) {
      for (const { id, type, delayMs = 0 } of notices) {
        if (!layout.byType.has(type) || delayMs > longestDelayMs) continue
        if (delayMs <= 0) {
          add(id)
          continue
        }
        if (timers.size >= maxTimers || closed) continue
        const timer = setTimeout(() => {
          timers.delete(timer)
          add(id)
        }, delayMs)
        timers.add(timer)
      }
    },
    publish,
    async close() {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
      // What is left then is published again by whoever looks for queued jobs without a message.
      await atMost(closeMs, working ?? Promise.resolve())
      waiting.clear()
      await writer.close()
      await working
    },
  }
}

interface QueuedRow {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: unknown
  attempt: number
}
