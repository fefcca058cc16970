import { sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'

/** Newest runs that are looked at: what has not run for longer is nobody's news. */
const runsLookedAt = 5_000

/**
 * The newest runs that the principal sees, of everything or of each repository that it is limited to: never more
 * than a walk of so many.
 */
export function newestRuns({ repositories }: Principal) {
  if (repositories === null) {
    return sql`
      select id, repository, branch, branch_ordinal, status, triggered_by from runs
       order by id desc limit ${runsLookedAt}`
  }
  return sql`
    select newest.* from unnest(${[...repositories]}::text[]) as seen (repository)
     cross join lateral (
       select id, runs.repository, branch, branch_ordinal, status, triggered_by from runs
        where runs.repository = seen.repository
        order by repository_ordinal desc limit ${runsLookedAt}) as newest
     order by newest.id desc limit ${runsLookedAt}`
}
