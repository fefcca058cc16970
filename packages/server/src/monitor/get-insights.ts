import type {
  PipelineInsightsQuery,
  PipelineInsightsResponse,
  WorkflowInsight,
} from '@slipway/contract/pipeline-insights'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import type { MonitorDeps } from './deps.ts'
import { findFlakyPlaces, findSlowPlaces } from './find-places.ts'
import { findWatched } from './find-watched.ts'
import { type Looked, runsOf } from './looked-at.ts'
import { measureDora } from './measure-dora.ts'
import { parseTimeRange } from './parse-time-range.ts'
import { freshnessOf, type Watched } from './watched.ts'

const dayMs = 86_400_000
/** Milliseconds that PostgreSQL may take for one of the statements. */
const statementMs = 10_000
/** Milliseconds for which the answer to a question is good enough to be given again. */
const keptMs = 60_000
/** Workflows that an answer names: those with most runs. */
const maxWorkflows = 200

/**
 * What the runs of a range show about where time goes, what cannot be relied on, and delivery as a whole.
 * `unavailable` where too many ask for too much at once.
 */
export async function getInsights(
  deps: MonitorDeps,
  input: { principal: Principal; query: PipelineInsightsQuery },
  signal: AbortSignal,
): Promise<PipelineInsightsResponse> {
  const { principal, query } = input
  const { repository: name, timeRange = '30d', branch } = query
  const rangeMs = parseTimeRange(timeRange)
  const watched = await findWatched(deps, { principal, name }, signal)
  const now = Date.now()
  const ids = watched.map(({ id }) => id)
  const key = `insights ${rangeMs} ${ids.join()} ${branch ?? ''}`
  const looked: Looked = { repositoryIds: ids, branch, since: new Date(now - rangeMs) }
  const insights = await deps.memos.pages.share(key, 0, now, async () => ({
    value: {
      ...(await deps.memos.inTurn(() => look(deps, { watched, looked, days: rangeMs / dayMs }))),
      timestamp: new Date(now).toISOString(),
    },
    goodUntil: now + keptMs,
  }))
  return { ...insights, timeRange, metadata: freshnessOf(watched, new Date(now)) }
}

async function look(
  { db }: Pick<MonitorDeps, 'db'>,
  { watched, looked, days }: { watched: readonly Watched[]; looked: Looked; days: number },
): Promise<Insights> {
  return db.transaction().execute(async (trx) => {
    await sql`select set_config('statement_timeout', ${String(statementMs)}, true)`.execute(trx)
    const workflows = await measureWorkflows(trx, looked)
    const jobsSince = await findOldestSampled(trx, looked)
    const sampled = jobsSince === null ? looked : { ...looked, since: jobsSince }
    return {
      workflows,
      slowestJobs: await findSlowPlaces(trx, sampled, 'job'),
      slowestSteps: await findSlowPlaces(trx, sampled, 'step'),
      flakiestJobs: await findFlakyPlaces(trx, sampled, 'job'),
      flakiestSteps: await findFlakyPlaces(trx, sampled, 'step'),
      dora: await measureDora(trx, { watched, looked, days }),
      jobsSince: jobsSince?.toISOString() ?? null,
    }
  })
}

type Insights = Omit<PipelineInsightsResponse, 'timeRange' | 'timestamp' | 'metadata'>

/** The wait of a run is the time until the first of its jobs begins. */
async function measureWorkflows(
  db: Pick<Kysely<Tables>, 'getExecutor'>,
  looked: Looked,
): Promise<WorkflowInsight[]> {
  const { rows } = await sql<WorkflowInsight>`
    with found as (
      select r.repository_id, r.workflow_id, r.workflow_name, r.duration, r.created_at,
             (select greatest(interval '0', min(j.started_at) - r.run_started_at)
              from workflow_jobs j
              where j.run_id = r.id and j.attempt = r.attempt and j.conclusion <> 'skipped'
              having min(j.started_at) is not null) as waited
      from workflow_runs r
      where ${runsOf(looked)} and r.github_status = 'completed' and r.conclusion <> 'skipped'
    )
    select m.full_name as repository, f.workflow_id as "workflowId",
           (array_agg(f.workflow_name order by f.created_at desc))[1] as "workflowName",
           count(*) as runs,
           round(percentile_cont(0.5) within group (order by f.duration))::int as "durationP50",
           round(percentile_cont(0.95) within group (order by f.duration))::int as "durationP95",
           extract(epoch from percentile_cont(0.5) within group (order by f.waited))::int as "queueTimeP50",
           extract(epoch from percentile_cont(0.95) within group (order by f.waited))::int as "queueTimeP95"
    from found f join monitored_repositories m on m.id = f.repository_id
    group by m.full_name, f.workflow_id
    order by runs desc, repository, "workflowId" limit ${maxWorkflows}`.execute(db)
  return rows
}

/** Runs whose jobs and steps are looked at. */
const sampledRuns = 5_000

/** When the oldest run was created whose jobs are looked at; null: all are. */
async function findOldestSampled(
  db: Pick<Kysely<Tables>, 'getExecutor'>,
  looked: Looked,
): Promise<Date | null> {
  const { rows } = await sql<{ at: Date }>`
    select r.created_at as at from workflow_runs r where ${runsOf(looked)}
    order by r.created_at desc offset ${sampledRuns} limit 1`.execute(db)
  return rows[0]?.at ?? null
}
