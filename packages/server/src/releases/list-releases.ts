import type { ListReleasesResponse, ReleaseAlias, ReleaseSummary } from '@slipway/contract/releases'
import { type Kysely, sql } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { storedAliases, withNumber } from './release-rows.ts'

interface ListedRow {
  last: number
  id: string | null
  commit_sha: string
  release_number: number
  created_at: Date
  created_by: string
  trigger_type: ReleaseSummary['trigger_type']
  aliases: ReleaseAlias[]
}

/**
 * A project's releases, newest first. Numbers have no gaps and no release is ever deleted, so a
 * page is a range of numbers, and the last number is the total.
 */
export async function listReleases(
  deps: { db: Kysely<Tables> },
  input: {
    principal: Principal
    repository: string
    project: string
    limit: number
    offset: number
  },
): Promise<ListReleasesResponse> {
  const { repository, project, limit, offset } = input
  requireVisible(input.principal, repository)
  const { rows } = await sql<ListedRow>`
    select c.last, r.id, r.commit_sha, r.release_number, r.created_at, r.created_by,
           r.trigger_type, ${storedAliases} as aliases
    from release_counters c
    left join lateral (
      select * from releases r
      where r.repository = c.repository and r.project = c.project
        and r.release_number <= c.last - ${offset}::bigint
        and r.release_number > c.last - ${offset}::bigint - ${limit}::bigint
    ) r on true
    where c.repository = ${repository} and c.project = ${project}
    order by r.release_number desc`.execute(deps.db)
  const releases = rows.flatMap((row) => (row.id === null ? [] : [summary(row, row.id)]))
  return { releases, total: rows[0]?.last ?? 0, limit, offset }
}

function summary(row: ListedRow, id: string): ReleaseSummary {
  const { commit_sha, release_number, created_at, created_by, trigger_type, aliases } = row
  return {
    id,
    commit_sha,
    release_number,
    created_at: created_at.toISOString(),
    created_by,
    trigger_type,
    aliases: withNumber(aliases, release_number),
  }
}
