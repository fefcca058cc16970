import type { ListRunsResponse, RunSummary } from '@slipway/contract/runs'
import { type Kysely, sql } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { requireRefName } from './require-ref-name.ts'

interface ListedRow {
  first: number
  last: number
  id: string | null
  repository: string
  branch: string
  commit_sha: string
  status: RunSummary['status']
  trigger_type: RunSummary['trigger_type']
  triggered_by: string
  started_at: Date
  completed_at: Date | null
}

/**
 * A repository's runs, newest first. The ordinals are dense, so a page is a range of them:
 * the last of a million runs costs what the first does, and the total is a subtraction.
 */
export async function listRuns(
  deps: { db: Kysely<Tables> },
  input: {
    principal: Principal
    repository: string
    branch?: string | undefined
    limit: number
    offset: number
  },
): Promise<ListRunsResponse> {
  const { repository, branch, limit, offset } = input
  requireVisible(input.principal, repository)
  if (branch !== undefined) requireRefName(branch)
  const ordinal = sql.ref(branch === undefined ? 'r.repository_ordinal' : 'r.branch_ordinal')
  const inBranch = branch === undefined ? sql`` : sql`and r.branch = o.branch`
  const { rows } = await sql<ListedRow>`
    select o.first, o.last, r.id, r.repository, r.branch, r.commit_sha, r.status,
           r.trigger_type, r.triggered_by, r.started_at, r.completed_at
    from run_ordinals o
    left join lateral (
      select * from runs r
      where r.repository = o.repository ${inBranch}
        and ${ordinal} <= o.last - ${offset}::bigint
        and ${ordinal} > o.last - ${offset}::bigint - ${limit}::bigint
      order by ${ordinal} desc
    ) r on true
    where o.repository = ${repository} and o.branch = ${branch ?? ''}`.execute(deps.db)
  const [head] = rows
  const total = head === undefined ? 0 : head.last - head.first + 1
  const runs = rows.flatMap((row) => (row.id === null ? [] : [summary(row, row.id)]))
  return { runs, total, limit, offset }
}

function summary(row: ListedRow, id: string): RunSummary {
  return {
    id,
    repository: row.repository,
    branch: row.branch,
    commit_sha: row.commit_sha,
    status: row.status,
    trigger_type: row.trigger_type,
    triggered_by: row.triggered_by,
    started_at: row.started_at.toISOString(),
    completed_at: row.completed_at?.toISOString() ?? null,
  }
}
