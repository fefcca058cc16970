import { sql } from 'kysely'
import type { BuildsDeps } from './deps.ts'

const batchSize = 100

/** What an attempt puts into the object store is below this. */
export function outputPrefix(buildId: number, attempt: number): string {
  return `builds/${buildId}/outputs/${attempt}/`
}

/**
 * Removes what attempts that came to nothing left in the object store, of builds that ended at least
 * `graceMs` ago: until then a worker that was given up may still be writing. What cannot be removed
 * stays for the next time, and keeps nothing else. Answers how many builds it was done with.
 */
export async function sweepAttempts(
  deps: Pick<BuildsDeps, 'db' | 'objects' | 'log'>,
  input: { graceMs: number; signal: AbortSignal },
): Promise<number> {
  const { graceMs, signal } = input
  let total = 0
  for (let after = 0; !signal.aborted;) {
    const { rows } = await sql<Ended>`
      select b.id, b.attempt, array(
        select o.object_key from build_outputs o
        where o.build_id = b.id and o.object_key is not null
      ) as keys
      from builds b
      where b.completed_at < now() - ${graceMs}::float8 * interval '1 ms' and not b.is_swept
        and b.id > ${after}
      order by b.id limit ${batchSize}`.execute(deps.db)
    for (const build of rows) {
      if (signal.aborted) break
      after = build.id
      try {
        await sweep(deps, build)
        total += 1
      } catch (error) {
        deps.log.warn({ err: error, build: build.id }, 'what a build left could not be removed')
      }
    }
    if (rows.length < batchSize) break
  }
  return total
}

interface Ended {
  id: number
  attempt: number
  /** Of the files that it has made. */
  keys: string[]
}

async function sweep(
  { db, objects }: Pick<BuildsDeps, 'db' | 'objects'>,
  { id, attempt, keys }: Ended,
): Promise<void> {
  for (let number = 1; number <= attempt; number++) {
    const prefix = outputPrefix(id, number)
    if (!keys.some((key) => key.startsWith(prefix))) await objects.deletePrefix(prefix)
  }
  await db.updateTable('builds').set({ is_swept: true }).where('id', '=', id).execute()
}
