import { type Kysely, type RawBuilder, sql } from 'kysely'
import { canSee, isAnonymous, requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { AppError } from '../errors.ts'
import { freshMs, staleMs } from './deps.ts'

/** A repository whose runs are kept, as the queries need it. */
export interface Watched {
  id: number
  fullName: string
  defaultBranch: string | null
  source: 'configured' | 'detected' | 'read' | 'webhook'
  polledAt: Date | null
  pollError: string | null
  completeSince: Date | null
  runsVersion: number
  /** Rises with every change of its runs, their jobs and artifacts. */
  version: number
}

/**
 * The repositories that are watched and that the principal may see, by name. With `name`, in any
 * case of letters, only that one, also if it is here just because somebody with a token asked for it.
 */
export async function listWatched(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; name?: string | undefined },
): Promise<Watched[]> {
  const { principal, name } = input
  const conditions: RawBuilder<unknown>[] = [sql`lost_at is null`]
  if (name === undefined || isAnonymous(principal)) conditions.push(sql`source <> 'read'`)
  if (name !== undefined) conditions.push(sql`lower(full_name) = ${name.toLowerCase()}`)
  if (principal.repositories !== null) {
    const names = principal.repositories.map((repository) => repository.toLowerCase())
    conditions.push(sql`lower(full_name) = any(${names}::text[])`)
  }
  const { rows } = await sql<Watched>`
    select id, full_name as "fullName", default_branch as "defaultBranch", source,
           polled_at as "polledAt", poll_error as "pollError", complete_since as "completeSince",
           runs_version as "runsVersion", runs_version + jobs_version as version
    from monitored_repositories where ${sql.join(conditions, sql` and `)}
    order by full_name`.execute(deps.db)
  return rows
}

/** As `requireVisible`, for a name that GitHub takes in any case of letters. */
export function requireNameVisible(principal: Principal, name: string): void {
  const spelled = principal.repositories?.find(
    (repository) => repository.toLowerCase() === name.toLowerCase(),
  )
  if (spelled === undefined || !canSee(principal, spelled)) requireVisible(principal, name)
}

/** How old what is shown of these may be: the time of the oldest poll, null where there was none. */
export function freshnessOf(
  watched: readonly Watched[],
  now: Date,
): { cachedAt: string | null; stale: boolean } {
  if (watched.length === 0) return { cachedAt: null, stale: false }
  let oldest: Date | null = watched[0]?.polledAt ?? null
  for (const { polledAt } of watched) {
    if (polledAt === null || oldest === null) return { cachedAt: null, stale: true }
    if (polledAt < oldest) oldest = polledAt
  }
  return {
    cachedAt: oldest?.toISOString() ?? null,
    stale: now.getTime() - (oldest?.getTime() ?? 0) > staleMs,
  }
}

/** Whether nothing is here of any of these, because GitHub could not be asked yet. */
export function isNothingHere(watched: readonly Watched[]): boolean {
  return (
    watched.some(({ pollError }) => pollError !== null) &&
    watched.every(({ polledAt, runsVersion }) => polledAt === null && runsVersion === 0)
  )
}

export function nothingYet(): AppError {
  return new AppError('unavailable', 'GitHub cannot be asked, and nothing is stored yet', {
    retry_after_seconds: freshMs / 1000,
  })
}
