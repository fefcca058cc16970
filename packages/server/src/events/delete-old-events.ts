import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { countWithin, mostCounted } from '../retention/index.ts'

export interface DeleteOldEventsInput {
  /** Events that happened before this moment go. */
  before: Date
  /** Events per transaction. Default 5000. */
  batchSize?: number
  signal?: AbortSignal
}

/**
 * Deletes old events in batches and returns how many. Only ever the oldest by number, up to the
 * first that is young enough: readers rely on it that nothing is missing behind the oldest kept.
 * What has no number yet stays, however old.
 */
export async function deleteOldEvents(
  deps: { db: Kysely<Tables> },
  input: DeleteOldEventsInput,
): Promise<number> {
  const { before, batchSize = 5_000, signal } = input
  let total = 0
  while (!signal?.aborted) {
    const result = await sql`
      with oldest as (
        select seq, occurred_at from events where seq is not null order by seq limit ${batchSize}
      ), young as (
        select min(seq) as seq from oldest where occurred_at >= ${before}
      )
      delete from events using oldest, young
      where events.seq = oldest.seq and (young.seq is null or oldest.seq < young.seq)`.execute(
      deps.db,
    )
    const deleted = Number(result.numAffectedRows ?? 0n)
    total += deleted
    if (deleted < batchSize) break
  }
  return total
}

/** How many events `deleteOldEvents` would delete, up to a bound; null where that takes too long to say. */
export function countOldEvents(
  { db }: { db: Kysely<Tables> },
  { before }: { before: Date },
): Promise<number | null> {
  return countWithin(
    db,
    sql`
      select from (
        select seq, min(seq) filter (where occurred_at >= ${before}) over () as young
          from (select seq, occurred_at from events where seq is not null
                 order by seq limit ${mostCounted + 1}) as oldest) as oldest
       where young is null or seq < young`,
  )
}
