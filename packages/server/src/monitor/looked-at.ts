import { type RawBuilder, sql } from 'kysely'

/** The runs that are looked at. */
export interface Looked {
  repositoryIds: readonly number[]
  branch: string | undefined
  since: Date
}

/** What runs must be to be looked at; `r` is the run. */
export function runsOf({ repositoryIds, branch, since }: Looked): RawBuilder<unknown> {
  const inBranch = branch === undefined ? sql`` : sql`and r.branch = ${branch}`
  return sql`r.repository_id = any(${[...repositoryIds]}::int[])
             and r.created_at >= ${since} ${inBranch}`
}
