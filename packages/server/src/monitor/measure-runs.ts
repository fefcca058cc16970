import type { RepositoryMetrics } from '@slipway/contract/pipelines'
import { sql } from 'kysely'
import type { MonitorDeps } from './deps.ts'
import { percentOf } from './round-figures.ts'
import type { Watched } from './watched.ts'

interface Figures {
  repositoryId: number
  total: number
  completed: number
  successful: number
  cancelled: number
  averageDuration: number | null
  medianDuration: number | null
  oldest: Date
}

/**
 * What became of the runs of the range, newest attempt each; answers the metrics of a repository by its id.
 * Those of one without changes are computed once, until its oldest run leaves the range.
 */
export async function measureRuns(
  { db, memos }: Pick<MonitorDeps, 'db' | 'memos'>,
  input: { watched: readonly Watched[]; rangeMs: number; branch: string | undefined; now: number },
): Promise<(id: number) => RepositoryMetrics> {
  const { watched, rangeMs, branch, now } = input
  const found = new Map<number, RepositoryMetrics>()
  const missing = new Map<number, Watched>()
  const keyOf = ({ id }: Watched) => `metrics ${id} ${rangeMs} ${branch ?? ''}`
  for (const repository of watched) {
    const known = memos.figures.recall(keyOf(repository), repository.runsVersion, now)
    if (known === undefined) missing.set(repository.id, repository)
    else found.set(repository.id, known as RepositoryMetrics)
  }
  if (missing.size > 0) {
    const inBranch = branch === undefined ? sql`` : sql`and branch = ${branch}`
    const { rows } = await sql<Figures>`
      select repository_id as "repositoryId", count(*) as total,
             count(*) filter (where github_status = 'completed') as completed,
             count(*) filter (where status = 'success') as successful,
             count(*) filter (where conclusion = 'cancelled') as cancelled,
             avg(duration) filter (where conclusion <> 'skipped')::float8 as "averageDuration",
             percentile_cont(0.5) within group (order by duration)
               filter (where conclusion <> 'skipped') as "medianDuration",
             min(created_at) as oldest
      from workflow_runs
      where repository_id = any(${[...missing.keys()]}::int[]) ${inBranch}
        and created_at >= ${new Date(now - rangeMs)}
      group by repository_id`.execute(db)
    const byId = new Map(rows.map((row) => [row.repositoryId, row]))
    for (const [id, repository] of missing) {
      const row = byId.get(id)
      const figures = row === undefined ? none : toMetrics(row)
      found.set(id, figures)
      const goodUntil = row === undefined ? undefined : row.oldest.getTime() + rangeMs
      memos.figures.keep(keyOf(repository), repository.runsVersion, figures, goodUntil)
    }
  }
  return (id) => found.get(id) ?? none
}

function toMetrics(row: Figures): RepositoryMetrics {
  const failed = row.completed - row.successful - row.cancelled
  return {
    total: row.total,
    successful: row.successful,
    failed,
    cancelled: row.cancelled,
    successRate: percentOf(row.successful, row.completed),
    failureRate: percentOf(failed, row.completed),
    averageDuration: Math.round(row.averageDuration ?? 0),
    medianDuration: Math.round(row.medianDuration ?? 0),
  }
}

const none: RepositoryMetrics = {
  total: 0,
  successful: 0,
  failed: 0,
  cancelled: 0,
  successRate: 0,
  failureRate: 0,
  averageDuration: 0,
  medianDuration: 0,
}
