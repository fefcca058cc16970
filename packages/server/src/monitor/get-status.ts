import type {
  Pipeline,
  PipelineStatus,
  PipelineStatusQuery,
  PipelineStatusResponse,
  PipelineStep,
} from '@slipway/contract/pipelines'
import { type RawBuilder, sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'
import { countNewest } from './count-newest.ts'
import type { MonitorDeps } from './deps.ts'
import { listAllWatched } from './find-watched.ts'
import { keepPage } from './keep-page.ts'
import { secondsBetween } from './round-figures.ts'
import type { StepSnapshot } from './snapshots.ts'
import {
  freshnessOf,
  isNothingHere,
  listWatched,
  nothingYet,
  requireNameVisible,
  type Watched,
} from './watched.ts'

interface ShownRow {
  repository: string
  runId: number
  branch: string
  status: PipelineStatus
  conclusion: string | null
  workflowName: string
  url: string
  startedAt: Date
  duration: number | null
  /** [name of the job, its steps], in order; null: it has none. */
  jobs: [string, StepSnapshot[]][] | null
}

/**
 * The newest run of each repository, workflow and branch that the principal may see, newest first, with
 * the steps of all jobs of its newest attempt. `unavailable` only where nothing is here at all because
 * GitHub is away.
 */
export async function getStatus(
  deps: MonitorDeps,
  input: { principal: Principal; query: PipelineStatusQuery },
): Promise<PipelineStatusResponse> {
  const { principal, query } = input
  const { repo, branch, status, limit = 50 } = query
  const watched =
    repo === undefined
      ? await listAllWatched(deps, principal)
      : await listNamed(deps, principal, repo)
  const now = new Date()
  const [total, pipelines] = await Promise.all([
    countNewest(deps, { watched, branch, status }),
    keepPage(deps.memos.pages, {
      key: ['status', watched.map(({ id }) => id).join(), branch, status, limit],
      version: watched.reduce((sum, { version }) => sum + version, 0),
      now,
      find: () => findNewest(deps, { watched, branch, status, limit }),
      show: (row) => toPipeline(row, now),
      goodUntil: ({ duration }) => (duration === null ? null : Number.POSITIVE_INFINITY),
      parts: ({ jobs }) => (jobs ?? []).reduce((sum, [, steps]) => sum + steps.length, 1),
    }),
  ])
  const names = new Set(pipelines.map(({ repository }) => repository))
  const shown = watched.filter(({ fullName }) => names.has(fullName))
  const freshness = freshnessOf(shown.length > 0 ? shown : watched, now)
  return { pipelines, metadata: { total, timestamp: now.toISOString(), ...freshness } }
}

/** That one where it is here; nothing is read through. */
async function listNamed(
  deps: MonitorDeps,
  principal: Principal,
  name: string,
): Promise<Watched[]> {
  requireNameVisible(principal, name)
  const watched = await listWatched(deps, { principal, name })
  if (isNothingHere(watched)) throw nothingYet()
  return watched
}

async function findNewest(
  { db }: MonitorDeps,
  input: {
    watched: readonly Watched[]
    branch: string | undefined
    status: PipelineStatus | undefined
    limit: number
  },
): Promise<ShownRow[]> {
  const { watched, branch, status, limit } = input
  const conditions: RawBuilder<unknown>[] = [
    sql`repository_id = any(${watched.map(({ id }) => id)}::int[])`,
  ]
  if (branch !== undefined) conditions.push(sql`branch = ${branch}`)
  if (status !== undefined) conditions.push(sql`status = ${status}`)
  const { rows } = await sql<ShownRow>`
    select m.full_name as repository, r.id as "runId", r.branch, r.status, r.conclusion,
           r.workflow_name as "workflowName", r.url, r.run_started_at as "startedAt", r.duration,
           (select json_agg(json_build_array(j.name, j.steps) order by j.id)
            from workflow_jobs j where j.run_id = r.id and j.attempt = r.attempt) as jobs
    from (
      select repository_id, run_id, started_at from newest_workflow_runs
      where ${sql.join(conditions, sql` and `)}
      order by started_at desc, run_id desc limit ${limit}
    ) n
    join workflow_runs r on r.id = n.run_id
    join monitored_repositories m on m.id = n.repository_id
    order by n.started_at desc, n.run_id desc`.execute(db)
  return rows
}

function toPipeline(row: ShownRow, now: Date): Pipeline {
  return {
    repository: row.repository,
    branch: row.branch,
    status: row.status,
    lastRun: row.startedAt.toISOString(),
    duration: runDuration(row, now),
    workflowName: row.workflowName,
    runId: row.runId,
    conclusion: row.conclusion,
    steps: (row.jobs ?? []).flatMap(([job, steps]) => steps.map((step) => toStep(job, step))),
    url: row.url,
  }
}

/** Whole seconds: of an ended run all, of a running one those so far, of a pending one none. */
export function runDuration(
  run: { status: PipelineStatus; duration: number | null; startedAt: Date },
  now: Date,
): number {
  if (run.duration !== null) return run.duration
  return run.status === 'running' ? secondsBetween(run.startedAt, now) : 0
}

function toStep(job: string, step: StepSnapshot): PipelineStep {
  const { name, status, conclusion, number, started_at, completed_at } = step
  return {
    name,
    status,
    conclusion,
    job,
    number,
    startedAt: started_at,
    completedAt: completed_at,
  }
}
