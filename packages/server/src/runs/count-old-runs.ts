import { sql } from 'kysely'
import { mostCounted, withinTime } from '../retention/index.ts'
import type { RunsDeps } from './deps.ts'

/** Repositories looked at together. */
const batchSize = 10
const longestMs = 2_000

/** How many runs `deleteOldRuns` would delete, up to a bound; null where that takes too long to say. */
export function countOldRuns(
  { db }: Pick<RunsDeps, 'db'>,
  { before }: { before: Date },
): Promise<number | null> {
  return withinTime(db, async (trx) => {
    const until = performance.now() + longestMs
    let total = 0
    for (let after = ''; total <= mostCounted;) {
      const { rows } = await sql<{ repository: string; old: number }>`
        select o.repository,
               least(coalesce(young.ordinal, o.last + 1) - o.first, ${mostCounted + 1})::integer as old
          from run_ordinals o
          join runs r on r.repository = o.repository and r.repository_ordinal = o.first
          left join lateral (
            select repository_ordinal as ordinal from (
              select repository_ordinal, completed_at from runs
               where runs.repository = o.repository
               order by repository_ordinal limit ${mostCounted + 1}) as oldest
             where completed_at is null or completed_at >= ${before}
             order by repository_ordinal limit 1) as young on true
         where o.branch = '' and r.completed_at < ${before} and o.repository > ${after}
         order by o.repository limit ${batchSize}`.execute(trx)
      for (const { repository, old } of rows) {
        after = repository
        total += old
      }
      if (rows.length < batchSize) break
      if (performance.now() > until) return null
    }
    return Math.min(total, mostCounted + 1)
  })
}
