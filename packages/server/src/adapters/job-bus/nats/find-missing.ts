import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import { manage } from './ensure-streams.ts'
import type { Publisher } from './create-publisher.ts'
import { type JobStream, type NatsLayout, subjectOf } from './layout.ts'
import type { NatsLink } from './open-link.ts'

/**
 * Looks through the queued jobs of the ledger, oldest first, for those that have no message, and publishes
 * them: a stream was lost, NATS was away, or a server ended between its commit and its message.
 * A job that has one is left alone, so no doubles of a long backlog come about.
 */
export interface MissingFinder {
  /** Looks at one stretch of each type; answers whether there is more to be looked at, and how many were missing. */
  look(): Promise<{ more: boolean; published: number }>
  /**
   * Begins anew, and with the youngest too: there was no connection, so no message is on its way. One that
   * was sent just now may become a double.
   */
  restart(): void
}

const stretch = 500
/** Questions to NATS under way at once. */
const inFlight = 32

/** One walk through the queued jobs of a type, from the oldest on. */
interface Walk {
  /** Looks no further: what was due later had its message sent meanwhile, if at all. */
  until: string
  /** The stream was empty when the walk began, so none of them has a message. */
  isEmpty: boolean
  runAt: string
  id: string
}

interface WaitingRow {
  id: string
  subject: string
  runAt: string
}

export function createMissingFinder(
  deps: {
    db: Kysely<Tables>
    link: NatsLink
    layout: NatsLayout
    prefix: string
    publisher: Publisher
  },
  options: {
    /** Milliseconds since a job was due, in which its message may be on its way. */
    graceMs: number
  },
): MissingFinder {
  const { db, link, layout } = deps
  const walks = new Map<string, Walk>()
  /** Types whose next walk leaves none out for being young. */
  const eager = new Set<string>()

  async function begin(stream: JobStream): Promise<Walk> {
    const graceMs = eager.delete(stream.type) ? 0 : options.graceMs
    const { rows } = await sql<{ until: string }>`
      select (now() - ${graceMs}::float8 * interval '1 ms')::text as until`.execute(db)
    const until = rows[0]?.until ?? '-infinity'
    const isEmpty = (await countAll(stream)) === 0
    return { until, isEmpty, runAt: '-infinity', id: lowestId }
  }

  async function read(type: string, { until, runAt, id }: Walk): Promise<WaitingRow[]> {
    const { rows } = await sql<WaitingRow>`
      select id, subject, run_at::text as "runAt" from jobs
       where state = 'queued' and type = ${type} and run_at <= ${until}::timestamptz
         and (run_at, id) > (${runAt}::timestamptz, ${id}::uuid)
       order by run_at, id limit ${stretch}`.execute(db)
    return rows
  }

  async function lookAt(stream: JobStream): Promise<{ more: boolean; published: number }> {
    const { type } = stream
    const walk = walks.get(type) ?? (await begin(stream))
    walks.delete(type)
    const rows = await read(type, walk)
    const missing = walk.isEmpty ? rows : await without(stream, rows)
    const ids = missing.map(({ id }) => id)
    const published = await deps.publisher.publish(ids, { again: randomUUID() })
    const last = rows.at(-1)
    if (rows.length < stretch || last === undefined) return { more: false, published }
    walks.set(type, { ...walk, runAt: last.runAt, id: last.id })
    return { more: true, published }
  }

  async function countAll({ stream }: JobStream): Promise<number> {
    const jsm = await manage(connected(link))
    return (await jsm.streams.info(stream)).state.messages
  }

  /** Those of the jobs whose subject has fewer messages than there are jobs of it among them. */
  async function without<T extends { id: string; subject: string }>(
    stream: JobStream,
    rows: readonly T[],
  ): Promise<T[]> {
    if (rows.length === 0) return []
    const bySubject = new Map<string, T[]>()
    for (const row of rows) {
      const subject = subjectOf(stream, deps.prefix, row)
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), row])
    }
    const jsm = await manage(connected(link))
    const missing: T[] = []
    const subjects = [...bySubject]
    const ask = async () => {
      for (let next = subjects.pop(); next !== undefined; next = subjects.pop()) {
        const [subject, jobs] = next
        const { state } = await jsm.streams.info(stream.stream, { subjects_filter: subject })
        if ((state.subjects?.[subject] ?? 0) < jobs.length) missing.push(...jobs)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, ask))
    return missing
  }

  return {
    async look() {
      let published = 0
      let more = false
      for (const stream of layout.byType.values()) {
        const seen = await lookAt(stream)
        published += seen.published
        more ||= seen.more
      }
      return { more, published }
    },
    restart() {
      walks.clear()
      for (const type of layout.byType.keys()) eager.add(type)
    },
  }
}

const lowestId = '00000000-0000-0000-0000-000000000000'

function connected(link: NatsLink) {
  const { connection } = link
  if (connection === null) throw link.failure ?? new Error('There is no connection to NATS')
  return connection
}
