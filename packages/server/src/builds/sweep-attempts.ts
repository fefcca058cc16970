import { sql } from 'kysely'
import type { BuildsDeps } from './deps.ts'

const batchSize = 100

/** What an attempt puts into the object store is below this. */
export function outputPrefix(buildId: number, attempt: number): string {
  return `builds/${buildId}/outputs/${attempt}/`
}

/**
 * Removes what attempts that came to nothing left in the object store, of builds that ended at least
 * `graceMs` ago: until then a worker that was given up may still be writing. Answers how many builds it
 * looked at.
 */
export async function sweepAttempts(
  deps: Pick<BuildsDeps, 'db' | 'objects'>,
  input: { graceMs: number; signal: AbortSignal },
): Promise<number> {
  const { graceMs, signal } = input
  let total = 0
  while (!signal.aborted) {
    const { rows } = await sql<{ id: number; attempt: number; keys: string[] }>`
      select b.id, b.attempt, array(
        select o.object_key from build_outputs o
        where o.build_id = b.id and o.object_key is not null
      ) as keys
      from builds b
      where b.completed_at < now() - ${graceMs}::float8 * interval '1 ms' and not b.is_swept
      order by b.completed_at limit ${batchSize}`.execute(deps.db)
    for (const { id, attempt, keys } of rows) {
      if (signal.aborted) break
      for (let number = 1; number <= attempt; number++) {
        const prefix = outputPrefix(id, number)
        if (!keys.some((key) => key.startsWith(prefix))) await deps.objects.deletePrefix(prefix)
      }
      await deps.db.updateTable('builds').set({ is_swept: true }).where('id', '=', id).execute()
      total += 1
    }
    if (rows.length < batchSize) break
  }
  return total
}
