import type { DoraMeasures } from '@slipway/contract/pipelines'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Looked } from './looked-at.ts'
import { medianOf, percentOf, roundTo } from './round-figures.ts'
import type { Watched } from './watched.ts'

type Executor = Pick<Kysely<Tables>, 'getExecutor'>

/** One change on its way to where it is used: a deployment, or a run that stands for one. */
export interface Delivery {
  /** What follows what: an environment and project, or a workflow and branch. */
  line: string
  succeeded: boolean
  /** It brought an older state back: no change, but whatever was broken is restored. */
  rollback: boolean
  /** When its commit came, as far as we know. */
  startedAt: Date
  endedAt: Date
}

/** Deliveries that are looked at: the newest. */
const maxDeliveries = 20_000

/** The four DORA measures of each repository, by its name. */
export async function measureDora(
  db: Executor,
  input: { watched: readonly Watched[]; looked: Looked; days: number },
): Promise<Record<string, DoraMeasures>> {
  const { watched, looked, days } = input
  const own = await findDeployments(db, { watched, since: looked.since })
  const others = watched.filter(({ id }) => !own.has(id))
  const runs = await findDefaultBranchRuns(db, { watched: others, since: looked.since })
  return Object.fromEntries(
    watched.map(({ id, fullName }) => {
      const deliveries = own.get(id) ?? runs.get(id) ?? []
      return [fullName, judgeDeliveries(deliveries, own.has(id) ? 'deployments' : 'runs', days)]
    }),
  )
}

/**
 * The measures of deliveries, each line of them in the order in which they ended. Lead time is from the
 * commit to the end of a success; what is broken is restored by the next success of its line. Medians.
 */
export function judgeDeliveries(
  deliveries: readonly Delivery[],
  source: DoraMeasures['source'],
  days: number,
): DoraMeasures {
  const leads: number[] = []
  const restores: number[] = []
  const brokenSince = new Map<string, number>()
  let failed = 0
  let changes = 0
  for (const { line, succeeded, rollback, startedAt, endedAt } of byEnd(deliveries)) {
    const end = endedAt.getTime()
    if (!rollback) changes += 1
    if (!succeeded) {
      if (!rollback) failed += 1
      if (!brokenSince.has(line)) brokenSince.set(line, end)
      continue
    }
    if (!rollback) leads.push(Math.max(0, end - startedAt.getTime()) / 1000)
    const since = brokenSince.get(line)
    if (since === undefined) continue
    restores.push((end - since) / 1000)
    brokenSince.delete(line)
  }
  return {
    source,
    deployments: leads.length,
    deploymentFrequency: roundTo(2, leads.length / days),
    leadTime: wholeMedian(leads),
    changeFailureRate: percentOf(failed, changes),
    timeToRestore: wholeMedian(restores),
  }
}

function byEnd(deliveries: readonly Delivery[]): Delivery[] {
  return deliveries.toSorted((a, b) => a.endedAt.getTime() - b.endedAt.getTime())
}

function wholeMedian(seconds: readonly number[]): number | null {
  const median = medianOf(seconds)
  return median === null ? null : Math.round(median)
}

interface Row extends Delivery {
  repositoryId: number
}

/**
 * Deployments of ours to `production`, where a repository has any there, else to all environments. One
 * that failed, or that an older release was put in the place of, is a failed change.
 */
async function findDeployments(
  db: Executor,
  { watched, since }: { watched: readonly Watched[]; since: Date },
): Promise<Map<number, Delivery[]>> {
  const names = watched.map(({ fullName }) => fullName.toLowerCase())
  const { rows } = await sql<Row>`
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
    order by mine.created_at desc limit ${maxDeliveries}`.execute(db)
  return byRepository(rows)
}

/** Runs of pushes to the default branch that came to an end; a commit came when its run was created. */
async function findDefaultBranchRuns(
  db: Executor,
  { watched, since }: { watched: readonly Watched[]; since: Date },
): Promise<Map<number, Delivery[]>> {
  const branches = watched.map(({ defaultBranch }) => defaultBranch ?? 'main')
  const { rows } = await sql<Row>`
    select r.repository_id as "repositoryId", r.workflow_id::text as line,
           r.status = 'success' as succeeded, false as rollback, r.created_at as "startedAt",
           r.run_started_at + r.duration * interval '1 second' as "endedAt"
    from unnest(${watched.map(({ id }) => id)}::int[], ${branches}::text[])
      as m(repository_id, branch)
    join workflow_runs r on r.repository_id = m.repository_id and r.branch = m.branch
    where r.created_at >= ${since} and r.github_status = 'completed'
      and r.conclusion not in ('skipped', 'cancelled', 'neutral')
      and r.event in ('push', 'workflow_dispatch', 'release')
    order by r.created_at desc limit ${maxDeliveries}`.execute(db)
  return byRepository(rows)
}

function byRepository(rows: readonly Row[]): Map<number, Delivery[]> {
  const found = new Map<number, Delivery[]>()
  for (const row of rows) {
    const list = found.get(row.repositoryId)
    if (list === undefined) found.set(row.repositoryId, [row])
    else list.push(row)
  }
  return found
}
