import type { PipelineStatus } from '@slipway/contract/pipelines'
import { sql } from 'kysely'
import type { MonitorDeps } from './deps.ts'
import type { Watched } from './watched.ts'

type Counts = Readonly<Record<PipelineStatus, number>>

/** How many newest runs of these repositories match; those of a repository without changes are not counted again. */
export async function countNewest(
  deps: Pick<MonitorDeps, 'db' | 'memos'>,
  input: {
    watched: readonly Watched[]
    branch?: string | undefined
    status?: PipelineStatus | undefined
  },
): Promise<number> {
  const { watched, branch, status } = input
  const counts = await countByStatus(deps, { watched, branch })
  return status === undefined
    ? counts.success + counts.failure + counts.pending + counts.running
    : counts[status]
}

/** The same, of each status. */
export async function countByStatus(
  { db, memos }: Pick<MonitorDeps, 'db' | 'memos'>,
  { watched, branch }: { watched: readonly Watched[]; branch?: string | undefined },
): Promise<Counts> {
  const sum: Record<PipelineStatus, number> = { success: 0, failure: 0, pending: 0, running: 0 }
  const missing = new Map<number, { repository: Watched; counts: Record<PipelineStatus, number> }>()
  const now = Date.now()
  for (const repository of watched) {
    const key = keyOf(repository, branch)
    const known = memos.figures.recall(key, repository.runsVersion, now) as Counts | undefined
    if (known !== undefined) add(sum, known)
    else missing.set(repository.id, { repository, counts: { ...zero } })
  }
  if (missing.size === 0) return sum
  const inBranch = branch === undefined ? sql`` : sql`and branch = ${branch}`
  const { rows } = await sql<{ repositoryId: number; status: PipelineStatus; count: number }>`
    select repository_id as "repositoryId", status, count(*) as count from newest_workflow_runs
    where repository_id = any(${[...missing.keys()]}::int[]) ${inBranch}
    group by repository_id, status`.execute(db)
  for (const { repositoryId, status, count } of rows) {
    const found = missing.get(repositoryId)
    if (found !== undefined) found.counts[status] = count
  }
  for (const { repository, counts } of missing.values()) {
    memos.figures.keep(keyOf(repository, branch), repository.runsVersion, counts)
    add(sum, counts)
  }
  return sum
}

const zero: Counts = { success: 0, failure: 0, pending: 0, running: 0 }

function keyOf({ id }: Watched, branch: string | undefined): string {
  return branch === undefined ? `newest ${id}` : `newest ${id} ${branch}`
}

function add(sum: Record<PipelineStatus, number>, counts: Counts): void {
  sum.success += counts.success
  sum.failure += counts.failure
  sum.pending += counts.pending
  sum.running += counts.running
}
