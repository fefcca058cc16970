import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Milliseconds that entries of the audit log are kept: a year. */
export const auditKeptMs = 365 * 86_400_000

const batchSize = 5_000

/** Deletes entries older than `before`, in batches, and answers how many. */
export async function deleteOldAudit(
  deps: { db: Kysely<Tables> },
  input: { before: Date; signal: AbortSignal },
): Promise<number> {
  let total = 0
  while (!input.signal.aborted) {
    // Ids grow with time: the oldest are the first, and no index on the time is needed.
    const result = await sql`
      delete from audit_log where id in (
        select id from (select id, at from audit_log order by id limit ${batchSize}) oldest
        where at < ${input.before}
      )`.execute(deps.db)
    const deleted = Number(result.numAffectedRows ?? 0n)
    total += deleted
    if (deleted < batchSize) break
  }
  return total
}
