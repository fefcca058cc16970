import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

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
