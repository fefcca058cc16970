import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** A delivery as it is kept. */
export interface NewDelivery {
  deliveryId: string
  /** SHA-256 of its body. */
  bodySha: Buffer
  event: string
  repository: string | null
  /** What it asks for; null: nothing. */
  wanted: unknown
  /** Why it asks for nothing. */
  note: string | null
  /** Milliseconds before it may be acted on. */
  waitsMs: number
}

/** Resolves when the delivery is stored for good: false where it was known already. */
export type StoreDelivery = (delivery: NewDelivery) => Promise<boolean>

/** Rows of one statement. */
const batchSize = 500

interface Waiting {
  delivery: NewDelivery
  resolve: (isNew: boolean) => void
  reject: (error: unknown) => void
}

/**
 * Stores deliveries: those that arrive while a write is under way share the next one, so that many at
 * once cost few transactions. One that came before, by its id or by its body, is known, unless nothing
 * came of it then: delivered again by hand once the cause is gone, it counts as new.
 */
export function createDeliveryWriter({ db }: { db: Kysely<Tables> }): StoreDelivery {
  let waiting: Waiting[] = []
  let writing = false

  const writeAll = async () => {
    writing = true
    while (waiting.length > 0) {
      const [batch, rest] = split(waiting)
      waiting = rest
      try {
        const stored = await writeBatch(
          db,
          batch.map(({ delivery }) => delivery),
        )
        for (const { delivery, resolve } of batch) resolve(stored.has(delivery.deliveryId))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    writing = false
  }
  return (delivery) =>
    new Promise((resolve, reject) => {
      waiting.push({ delivery, resolve, reject })
      if (!writing) void writeAll()
    })
}

/** Of two that are the same, the later one has to find the earlier one stored. */
function split(all: readonly Waiting[]): [Waiting[], Waiting[]] {
  const seen = new Set<string>()
  const [batch, rest]: [Waiting[], Waiting[]] = [[], []]
  for (const one of all) {
    const { deliveryId, bodySha } = one.delivery
    const body = bodySha.toString('latin1')
    const fits = batch.length < batchSize && !seen.has(deliveryId) && !seen.has(body)
    ;(fits ? batch : rest).push(one)
    seen.add(deliveryId).add(body)
  }
  return [batch, rest]
}

/** Answers the ids of those that are new. */
async function writeBatch(
  db: Kysely<Tables>,
  deliveries: readonly NewDelivery[],
): Promise<Set<string>> {
  const stored = await insert(db, deliveries)
  const known = deliveries.filter(({ deliveryId }) => !stored.has(deliveryId))
  if (known.length === 0) return stored
  const again = await db.transaction().execute(async (trx) => {
    await sql`
      delete from github_deliveries
      where (delivery_id = any(${known.map(({ deliveryId }) => deliveryId)}::text[])
             or body_sha256 = any(${known.map(({ bodySha }) => bodySha)}::bytea[]))
        and status in ('ignored', 'failed')`.execute(trx)
    return insert(trx, known)
  })
  return new Set([...stored, ...again])
}

async function insert(
  db: Kysely<Tables>,
  deliveries: readonly NewDelivery[],
): Promise<Set<string>> {
  const columnOf = <T>(value: (delivery: NewDelivery) => T) => deliveries.map(value)
  const { rows } = await sql<{ id: string }>`
    insert into github_deliveries
      (delivery_id, body_sha256, event, repository, wanted, status, note, next_attempt_at, received_at)
    select d.id, d.body, d.event, d.repository, d.wanted,
           case when d.wanted is null then 'ignored' else 'pending' end, d.note,
           case when d.wanted is not null then now() + d.waits_ms * interval '1 ms' end, now()
    from unnest(${columnOf(({ deliveryId }) => deliveryId)}::text[],
                ${columnOf(({ bodySha }) => bodySha)}::bytea[],
                ${columnOf(({ event }) => event)}::text[],
                ${columnOf(({ repository }) => repository)}::text[],
                ${columnOf(({ wanted }) => (wanted === null ? null : JSON.stringify(wanted)))}::jsonb[],
                ${columnOf(({ note }) => note)}::text[],
                ${columnOf(({ waitsMs }) => waitsMs)}::float8[])
      with ordinality as d (id, body, event, repository, wanted, note, waits_ms, place)
    order by d.place
    on conflict do nothing
    returning delivery_id as id`.execute(db)
  return new Set(rows.map(({ id }) => id))
}
