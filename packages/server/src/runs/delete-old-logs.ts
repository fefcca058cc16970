import { sql } from 'kysely'
import { countWithin } from '../retention/index.ts'
import type { RunsDeps } from './deps.ts'

/** Runs looked through at once. */
const batchSize = 100

/** For how long logs are kept, in milliseconds. */
export interface LogRetention {
  /** Of runs of which no release was deployed anywhere. */
  undeployedMs: number
  /** Of runs with a release that was deployed to the environment; the longest of them counts. */
  environments: readonly { name: string; keptMs: number }[]
}

/**
 * Deletes the logs of runs, and what their steps left behind for later tasks, when the time of the
 * highest environment that a release of the run was deployed to is over ("Log Storage"); a release's
 * `.forge` may have asked for a shorter one. The runs themselves stay, and say that their logs went.
 * Answers how many runs it was.
 */
export async function deleteOldLogs(
  deps: RunsDeps & { deleteLogs: (prefix: string, runId: string) => Promise<void> },
  input: { retention: LogRetention; now: Date; signal: AbortSignal },
): Promise<number> {
  const { signal, now } = input
  let total = 0
  while (!signal.aborted) {
    const ids = await runsWithOldLogs(deps, input)
    for (const id of ids) {
      if (signal.aborted) return total
      await deps.deleteLogs(`pipeline-runs/${id}/`, id)
      // Last: after a crash in between they are deleted once more.
      await deps.db.updateTable('runs').set({ logs_deleted_at: now }).where('id', '=', id).execute()
      total += 1
    }
    if (ids.length < batchSize) break
  }
  return total
}

async function runsWithOldLogs(
  deps: RunsDeps,
  input: { retention: LogRetention; now: Date },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    ${oldLogs(input)} order by r.completed_at limit ${batchSize}`.execute(deps.db)
  return rows.map(({ id }) => id)
}

/** Runs whose logs are over, as `r`. */
function oldLogs({ retention, now }: { retention: LogRetention; now: Date }) {
  const since = (keptMs: number) => new Date(now.getTime() - keptMs)
  const { environments, undeployedMs } = retention
  return sql`
    with kept (environment, since) as (
      select * from unnest(${environments.map(({ name }) => name)}::text[],
                           ${environments.map(({ keptMs }) => since(keptMs))}::timestamptz[])
    )
    select r.id from runs r
    where r.completed_at < ${since(undeployedMs)} and r.logs_deleted_at is null
      and not exists (
        select 1 from releases l
        join deployments d on d.release_id = l.id and d.status <> 'preparing'
        left join kept k on k.environment = d.environment
        -- Of an environment that is no longer configured nothing is known: its logs go with their run.
        left join lateral (
          select min((e->>'logRetentionDays')::integer) as days
          from jsonb_array_elements(l.environments) e where e->>'name' = d.environment
        ) asked on true
        where l.run_id = r.id and (k.since is null or r.completed_at >=
          greatest(k.since, ${now}::timestamptz - make_interval(days => asked.days)))
      )`
}

/** How many runs would lose their logs, up to a bound; null where that takes too long to say. */
export function countOldLogs(
  { db }: Pick<RunsDeps, 'db'>,
  input: { retention: LogRetention; now: Date },
): Promise<number | null> {
  return countWithin(db, oldLogs(input))
}
