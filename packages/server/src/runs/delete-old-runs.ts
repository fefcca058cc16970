import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { transact } from '../db/unit-of-work.ts'
import type { RunsDeps } from './deps.ts'

/** Runs of one repository in one transaction. */
const batchSize = 100

/**
 * Deletes runs that ended before a moment, with all that belongs to them, and answers how many. Of
 * each repository only the oldest go, up to the first that is younger or still active: ordinals stay
 * dense, so lists stay arithmetic. Logs go first; a crash in between leaves nothing that nobody finds.
 */
export async function deleteOldRuns(
  deps: RunsDeps & { deleteLogs: (prefix: string) => Promise<void> },
  input: { before: Date; signal: AbortSignal },
): Promise<number> {
  const { before, signal } = input
  let total = 0
  while (!signal.aborted) {
    const repositories = await repositoriesWithOld(deps, before)
    if (repositories.length === 0) break
    for (const repository of repositories) {
      if (signal.aborted) break
      total += await deleteOldest(deps, { repository, before })
    }
  }
  return total
}

async function repositoriesWithOld(deps: RunsDeps, before: Date): Promise<string[]> {
  const { rows } = await sql<{ repository: string }>`
    select o.repository
    from run_ordinals o
    join runs r on r.repository = o.repository and r.repository_ordinal = o.first
    where o.branch = '' and r.completed_at < ${before}
    limit 100`.execute(deps.db)
  return rows.map(({ repository }) => repository)
}

async function deleteOldest(
  deps: RunsDeps & { deleteLogs: (prefix: string) => Promise<void> },
  input: { repository: string; before: Date },
): Promise<number> {
  const { repository, before } = input
  // Before the lock, however long it takes: what is old once is never young or active again.
  const forgotten = await oldestRuns(deps.db, repository, before)
  for (const { id } of forgotten) await deps.deleteLogs(`pipeline-runs/${id}/`)
  const ready = new Set(forgotten.map(({ id }) => id))
  return transact(deps, async (unit) => {
    // The counter's lock: nobody counts or adds runs of this repository meanwhile.
    await sql`
      select 1 from run_ordinals where repository = ${repository} and branch = '' for update
    `.execute(unit.trx)
    const oldest = await oldestRuns(unit.trx, repository, before)
    const old = oldest.filter(({ id }) => ready.has(id))
    const last = old.at(-1)
    if (last === undefined) return 0
    const ids = old.map(({ id }) => id)
    await sql`
      update run_ordinals o set first = gone.last + 1
      from (
        select '' as branch, ${last.repository_ordinal}::bigint as last
        union all
        select branch, max(branch_ordinal) from runs where id = any(${ids}::uuid[]) group by branch
      ) gone
      where o.repository = ${repository} and o.branch = gone.branch`.execute(unit.trx)
    await unit.trx.deleteFrom('runs').where('id', 'in', ids).execute()
    return ids.length
  })
}

async function oldestRuns(db: Kysely<Tables>, repository: string, before: Date) {
  const oldest = await db
    .selectFrom('runs')
    .select(['id', 'repository_ordinal', 'completed_at'])
    .where('repository', '=', repository)
    .orderBy('repository_ordinal')
    .limit(batchSize)
    .execute()
  const young = oldest.findIndex((run) => run.completed_at === null || run.completed_at >= before)
  return young === -1 ? oldest : oldest.slice(0, young)
}
