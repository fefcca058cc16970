import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Delivery } from './judge-deliveries.ts'
import type { Watched } from './watched.ts'

/** A transaction: a cursor lives no longer. */
type Executor = Pick<Kysely<Tables>, 'getExecutor'>

/** Deliveries that are looked at, the newest; and those of them that are in memory at once. */
const maxDeliveries = 500_000
const atOnce = 5_000

interface Found extends Delivery {
  repositoryId: number
}

/**
 * Deployments of ours to `production`, where a repository has any there, else to all environments. One
 * that failed, or that an older release was put in the place of, is a failed change.
 */
export function findDeployments(
  trx: Executor,
  { watched, since }: { watched: readonly Watched[]; since: Date },
): AsyncIterable<Found[]> {
  const names = watched.map(({ fullName }) => fullName.toLowerCase())
  return readInParts(
    trx,
    sql`
    with mine as (
      select m.repository_id as repository_id, d.*,
             lead(d.rollback) over (
               partition by d.environment, d.repository, d.project order by d.ordinal
             ) as undone,
             bool_or(d.environment = 'production') over (partition by m.repository_id) as has_production
      from deployments d
      join unnest(${watched.map(({ id }) => id)}::int[], ${names}::text[])
        as m(repository_id, name) on m.name = lower(d.repository)
      where d.ordinal is not null
    )
    select mine.repository_id as "repositoryId",
           mine.environment || ' ' || mine.project as line,
           mine.failed_at is null and not coalesce(mine.undone, false) as succeeded,
           mine.rollback,
           least(r.created_at, (
             select min(s.started_at) from runs s
             where s.repository = mine.repository and s.commit_sha = r.commit_sha
           )) as "startedAt",
           coalesce(mine.failed_at, mine.activated_at, mine.deployed_at) as "endedAt"
    from mine join releases r on r.id = mine.release_id
    where mine.created_at >= ${since}
      and coalesce(mine.failed_at, mine.activated_at) is not null
      and (mine.environment = 'production' or not mine.has_production)
    order by mine.created_at desc limit ${maxDeliveries}`,
  )
}

/** Runs of pushes to the default branch that came to an end; a commit came when its run was created. */
export function findDefaultBranchRuns(
  trx: Executor,
  { watched, since }: { watched: readonly Watched[]; since: Date },
): AsyncIterable<Found[]> {
  const branches = watched.map(({ defaultBranch }) => defaultBranch ?? 'main')
  return readInParts(
    trx,
    sql`
    select r.repository_id as "repositoryId", r.workflow_id::text as line,
           r.status = 'success' as succeeded, false as rollback, r.created_at as "startedAt",
           r.run_started_at + r.duration * interval '1 second' as "endedAt"
    from unnest(${watched.map(({ id }) => id)}::int[], ${branches}::text[])
      as m(repository_id, branch)
    join workflow_runs r on r.repository_id = m.repository_id and r.branch = m.branch
    where r.created_at >= ${since} and r.github_status = 'completed'
      and r.conclusion not in ('skipped', 'cancelled', 'neutral')
      and r.event in ('push', 'workflow_dispatch', 'release')
    order by r.created_at desc limit ${maxDeliveries}`,
  )
}

/** What a query finds, in the order of their ends. */
async function* readInParts(trx: Executor, query: RawBuilder<unknown>): AsyncGenerator<Found[]> {
  await sql`declare deliveries no scroll cursor for
    select * from (${query}) found order by "endedAt"`.execute(trx)
  for (;;) {
    const { rows } = await sql<Found>`fetch ${sql.lit(atOnce)} from deliveries`.execute(trx)
    yield rows
    if (rows.length < atOnce) break
  }
  await sql`close deliveries`.execute(trx)
}
