import type { Build, BuildStatus } from '@slipway/contract/builds'
import { sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'
import { type BuildRow, visibleBuilds } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'
import { showBuilds } from './get-build.ts'

/** Builds that are in memory at once, each with up to 64 KiB of log. */
const batchSize = 16

export interface ListedBuilds {
  /** How many there are in all. */
  total: number
  /** Newest first, a batch at a time; a long list is never whole in memory. Iterate once. */
  batches: AsyncIterable<Build[]>
}

/** The builds that the principal may see. What is created while the list is read is not in it. */
export async function listBuilds(
  deps: Pick<BuildsDeps, 'db' | 'logs'>,
  input: {
    principal: Principal
    status?: BuildStatus | undefined
    /** Absent: all of them. */
    limit?: number | undefined
    offset?: number | undefined
  },
): Promise<ListedBuilds> {
  const { principal, status, limit = Number.POSITIVE_INFINITY, offset = 0 } = input
  const wanted = sql<boolean>`${visibleBuilds(principal)}
    and ${status === undefined ? sql`true` : sql`b.status = ${status}`}`
  const { rows } = await sql<{ total: number; first: number | null }>`
    select (select count(*)::integer from builds b where ${wanted}) as total,
           (select b.id from builds b where ${wanted} order by b.id desc offset ${offset} limit 1) as first
  `.execute(deps.db)
  const { total = 0, first = null } = rows[0] ?? {}

  async function* batches(): AsyncGenerator<Build[]> {
    let next = first
    for (let left = limit; next !== null && left > 0; left -= batchSize) {
      const page: { rows: BuildRow[] } = await sql<BuildRow>`
        select b.* from builds b where ${wanted} and b.id <= ${next}
        order by b.id desc limit ${Math.min(left, batchSize)}`.execute(deps.db)
      if (page.rows.length > 0) yield await showBuilds(deps, page.rows)
      const last = page.rows.at(-1)
      next = page.rows.length < batchSize || last === undefined ? null : last.id - 1
    }
  }
  return { total, batches: batches() }
}
