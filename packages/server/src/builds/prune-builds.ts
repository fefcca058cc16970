import { sql } from 'kysely'
import { countWithin } from '../retention/index.ts'
import type { BuildsDeps } from './deps.ts'

const batchSize = 100

/** Builds that are over, as `b`. */
function oldBuilds(before: Date) {
  // By the creation, too, which has an index: what ended before was created before.
  return sql`
    select b.id from builds b
     where b.started_at < ${before} and b.completed_at < ${before} and b.is_swept
       and not exists (
         select from build_outputs o
         where o.build_id = b.id and o.cleaned_at is null and o.expires_at is not null
       )`
}

/** How many builds would be deleted, up to a bound; null where that takes too long to say. */
export function countOldBuilds(
  { db }: Pick<BuildsDeps, 'db'>,
  { before }: { before: Date },
): Promise<number | null> {
  return countWithin(db, oldBuilds(before))
}

/**
 * Deletes builds that ended before `before`, with their logs, once nothing of them is left to be cleaned
 * up. What cannot be deleted stays for the next time, and keeps nothing else. Answers how many it deleted.
 */
export async function pruneBuilds(
  deps: Pick<BuildsDeps, 'db' | 'logs' | 'log'>,
  input: { before: Date; signal: AbortSignal },
): Promise<number> {
  const { before, signal } = input
  let total = 0
  for (let after = 0; !signal.aborted;) {
    const { rows } = await sql<{ id: number }>`
      ${oldBuilds(before)} and b.id > ${after} order by b.id limit ${batchSize}`.execute(deps.db)
    for (const { id } of rows) {
      if (signal.aborted) break
      after = id
      try {
        await deps.logs.deletePrefix(`builds/${id}/`)
        // Last: after a crash in between it is deleted once more.
        await deps.db.deleteFrom('builds').where('id', '=', id).execute()
        total += 1
      } catch (error) {
        deps.log.warn({ err: error, build_id: id }, 'an old build could not be deleted')
      }
    }
    if (rows.length < batchSize) break
  }
  return total
}
