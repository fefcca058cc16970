import { jetstream } from '@nats-io/jetstream'
import { type Kysely, sql } from 'kysely'
import type { Log } from '../../../db/log.ts'
import type { Tables } from '../../../db/tables.gen.ts'
import { type LedgerDeps, strandJob } from '../../../jobs/index.ts'
import { manage, maxDeliver, present } from './ensure-streams.ts'
import { readEnvelope } from './envelope.ts'
import type { NatsLayout } from './layout.ts'
import type { NatsLink } from './open-link.ts'
import { openPuller } from './open-puller.ts'

/** Keeps the dead letters: copies, for people, of jobs that nobody could do. */
export interface Undertaker {
  /**
   * Ends the jobs that NATS gave up delivering, and writes a letter for each job that died since it was last
   * called. Answers whether there may be more.
   */
  bury(): Promise<boolean>
  close(): Promise<void>
}

const stretch = 200
/** Milliseconds that ended jobs stay in the ledger at least. */
const ledgerMs = 300_000
/** A transaction that ended a job may commit so many milliseconds later than others that ended theirs after it. */
const lateMs = 10_000
const publishMs = 5000
/** Bytes of a message that are not its text. */
const marginBytes = 1024
const untaken = `It was delivered ${maxDeliver} times, and no worker took it.`

export function createUndertaker(deps: {
  db: Kysely<Tables>
  ledger: LedgerDeps
  log: Log
  link: NatsLink
  layout: NatsLayout
}): Undertaker {
  const { db, link, layout, log } = deps
  const advisories: { data: Uint8Array; respond(word: string): void }[] = []
  const puller = openPuller(link, layout.undelivered, {
    onMessage: (message) => {
      advisories.push({ data: message.data, respond: (word) => void message.respond(word) })
    },
    onIdle() {},
  })
  let since: string | null = null

  async function write(
    job: { id: string; type: string; subject: string; payload: unknown; attempt: number },
    why: string,
  ): Promise<void> {
    const { connection } = link
    if (connection === null) throw link.failure ?? new Error('There is no connection to NATS')
    const letter = {
      job_id: job.id,
      type: job.type,
      subject: job.subject,
      attempts: job.attempt,
      error: why,
      buried_at: new Date().toISOString(),
    }
    const whole = JSON.stringify({ ...letter, payload: job.payload })
    const maxBytes = (connection.info?.max_payload ?? 0) - marginBytes
    const text = Buffer.byteLength(whole) <= maxBytes ? whole : JSON.stringify(letter)
    await jetstream(connection).publish(`${layout.deadLetters.root}.${job.type}`, text, {
      msgID: job.id,
      timeout: publishMs,
    })
  }

  /** Its message stays in the stream, in the way of nobody but to be counted, until it is taken out here. */
  async function strand(stream: string, seq: number): Promise<void> {
    const { connection } = link
    if (connection === null) throw link.failure ?? new Error('There is no connection to NATS')
    if (![...layout.byType.values()].some((known) => known.stream === stream)) return
    const jsm = await manage(connection)
    const message = await present(jsm.streams.getMessage(stream, { seq }))
    if (message === null) return
    const head = readEnvelope(message.data)
    if (head !== null) {
      const { jobId: id, attempt } = head
      if (await strandJob(deps.ledger, { id, attempt, error: untaken })) {
        log.error({ job_id: id }, 'A job was given up: no worker took it')
      }
      // Also when it was ended by a server that died before it wrote the letter.
      const { rows } = await sql<DeadRow>`
        select id, type, subject, payload, attempt from jobs
         where id = ${id}::uuid and state = 'failed' and error = ${untaken}`.execute(db)
      for (const job of rows) await write(job, untaken)
    }
    await jsm.streams.deleteMessage(stream, seq, false)
  }

  async function strandAll(): Promise<boolean> {
    const got = await puller.fetch(stretch)
    for (const { data, respond } of advisories.splice(0)) {
      const advisory = readAdvisory(data)
      if (advisory !== null) await strand(advisory.stream, advisory.seq)
      respond('+ACK')
    }
    return got === stretch
  }

  async function writeLetters(): Promise<boolean> {
    const { rows: clock } = await sql<{ first: string; next: string }>`
      select (now() - ${ledgerMs}::float8 * interval '1 ms')::text as first,
             (now() - ${lateMs}::float8 * interval '1 ms')::text as next`.execute(db)
    since ??= clock[0]?.first ?? null
    const { rows } = await sql<DeadRow & { error: string | null; finishedAt: string }>`
      select id, type, subject, payload, attempt, error, finished_at::text as "finishedAt" from jobs
       where finished_at > ${since}::timestamptz and state = 'dead'
       order by finished_at limit ${stretch}`.execute(db)
    for (const row of rows) await write(row, row.error ?? 'No reason is known.')
    const hasMore = rows.length === stretch
    // Letters written twice are doubles, which NATS drops.
    since = (hasMore ? rows.at(-1)?.finishedAt : clock[0]?.next) ?? since
    return hasMore
  }

  return {
    async bury() {
      const more = await strandAll()
      return (await writeLetters()) || more
    },
    close: () => puller.close(),
  }
}

interface DeadRow {
  id: string
  type: string
  subject: string
  payload: unknown
  attempt: number
}

function readAdvisory(data: Uint8Array): { stream: string; seq: number } | null {
  try {
    const read = JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>
    const { stream, stream_seq: seq } = read
    return typeof stream === 'string' && typeof seq === 'number' ? { stream, seq } : null
  } catch {
    return null
  }
}
