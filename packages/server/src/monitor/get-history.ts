import type {
  PipelineArtifact,
  PipelineHistoryQuery,
  PipelineHistoryResponse,
  PipelineJob,
  PipelineRun,
  PipelineStatus,
} from '@slipway/contract/pipelines'
import { type RawBuilder, sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { MonitorDeps } from './deps.ts'
import { findRepository } from './find-repository.ts'
import { findWorkflow } from './find-workflow.ts'
import { runDuration } from './get-status.ts'
import { keepPage } from './keep-page.ts'
import { secondsBetween } from './round-figures.ts'
import type { ArtifactSnapshot, StepSnapshot } from './snapshots.ts'
import { freshnessOf, type Watched } from './watched.ts'

interface RunRow {
  id: number
  workflowName: string
  status: PipelineStatus
  conclusion: string | null
  createdAt: Date
  startedAt: Date
  updatedAt: Date
  duration: number | null
  branch: string
  commitSha: string
  commitMessage: string
  actor: string
  attempt: number
  url: string
  jobs: JobRow[] | null
  artifacts: ArtifactSnapshot[] | null
}

/** Times in milliseconds. */
interface JobRow {
  id: number
  name: string
  status: PipelineStatus
  conclusion: string | null
  started: number | null
  completed: number | null
  steps: StepSnapshot[]
}

/**
 * A page of a repository's runs, newest first, each with the jobs of its newest attempt. A repository
 * that nobody watches is read through. `resource_not_found` for one that GitHub does not show us, and
 * for a workflow that it does not have; `unavailable` where GitHub would have to be asked and is away.
 */
export async function getHistory(
  deps: MonitorDeps,
  input: { principal: Principal; repository: string; query: PipelineHistoryQuery },
  signal: AbortSignal,
): Promise<PipelineHistoryResponse> {
  const { page = 1, per_page: perPage = 30, workflow_id: workflow, branch } = input.query
  const watched = await findRepository(deps, { ...input, name: input.repository }, signal)
  const workflowId =
    workflow === undefined ? null : await findWorkflow(deps, { watched, text: workflow })
  if (workflow !== undefined && workflowId === null) {
    throw new AppError(
      'resource_not_found',
      `${watched.fullName} has no workflow with the id or file name ${workflow}`,
    )
  }
  const now = new Date()
  const filter = { watched, workflowId, branch }
  const counting = countRuns(deps, filter)
  const [total, runs] = await Promise.all([
    counting,
    keepPage(deps.memos.pages, {
      key: ['history', watched.id, workflowId, branch, page, perPage],
      version: watched.version,
      now,
      // What is past the end is not looked for run by run.
      find: async () =>
        page > 1 && (page - 1) * perPage >= (await counting)
          ? []
          : findPage(deps, { ...filter, page, perPage }),
      show: (row) => toRun(row, now),
      goodUntil: (row) => showsSameUntil(row, now),
      parts: ({ jobs, artifacts }) =>
        (jobs ?? []).reduce(
          (sum, { steps }) => sum + 1 + steps.length,
          1 + (artifacts?.length ?? 0),
        ),
    }),
  ])
  return {
    repository: watched.fullName,
    runs,
    metadata: {
      page,
      per_page: perPage,
      total,
      timestamp: now.toISOString(),
      ...freshnessOf([watched], now),
    },
  }
}

interface Filter {
  watched: Watched
  workflowId: number | null
  branch: string | undefined
}

function conditionsOf({ watched, workflowId, branch }: Filter): RawBuilder<unknown> {
  const conditions: RawBuilder<unknown>[] = [sql`repository_id = ${watched.id}`]
  if (workflowId !== null) conditions.push(sql`workflow_id = ${workflowId}`)
  if (branch !== undefined) conditions.push(sql`branch = ${branch}`)
  return sql.join(conditions, sql` and `)
}

async function countRuns({ db, memos }: MonitorDeps, filter: Filter): Promise<number> {
  const { id, runsVersion } = filter.watched
  const key = `runs ${id} ${filter.workflowId ?? ''} ${filter.branch ?? ''}`
  const known = memos.figures.recall(key, runsVersion, Date.now())
  if (typeof known === 'number') return known
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from workflow_runs where ${conditionsOf(filter)}`.execute(db)
  const count = rows[0]?.count ?? 0
  memos.figures.keep(key, runsVersion, count)
  return count
}

async function findPage(
  { db }: MonitorDeps,
  input: Filter & { page: number; perPage: number },
): Promise<RunRow[]> {
  const { page, perPage } = input
  const { rows } = await sql<RunRow>`
    select r.id, r.workflow_name as "workflowName", r.status, r.conclusion,
           r.created_at as "createdAt", r.run_started_at as "startedAt",
           r.updated_at as "updatedAt", r.duration, r.branch, r.commit_sha as "commitSha",
           r.commit_message as "commitMessage", r.actor, r.attempt, r.url, r.artifacts,
           (select json_agg(json_build_object(
                     'id', j.id, 'name', j.name, 'status', j.status, 'conclusion', j.conclusion,
                     'started', extract(epoch from j.started_at) * 1000,
                     'completed', extract(epoch from j.completed_at) * 1000,
                     'steps', j.steps) order by j.id)
            from workflow_jobs j where j.run_id = r.id and j.attempt = r.attempt) as jobs
    from (
      select id from workflow_runs where ${conditionsOf(input)}
      order by created_at desc, id desc limit ${perPage} offset ${(page - 1) * perPage}::bigint
    ) found join workflow_runs r on r.id = found.id
    order by r.created_at desc, r.id desc`.execute(db)
  return rows
}

/** A run goes on until it and its jobs have ended; then the next artifact to expire changes it. */
function showsSameUntil({ duration, jobs, artifacts }: RunRow, now: Date): number | null {
  if (duration === null || jobs?.some(({ status }) => status === 'running')) return null
  const ends = (artifacts ?? []).map(({ expires_at: end }) => Date.parse(end ?? ''))
  return Math.min(Number.POSITIVE_INFINITY, ...ends.filter((end) => end > now.getTime()))
}

function toRun(row: RunRow, now: Date): PipelineRun {
  return {
    id: row.id,
    name: row.workflowName,
    status: row.status,
    conclusion: row.conclusion,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    duration: runDuration(row, now),
    branch: row.branch,
    commit_sha: row.commitSha,
    commit_message: row.commitMessage,
    actor: row.actor,
    attempt: row.attempt,
    url: row.url,
    jobs: (row.jobs ?? []).map((job) => toJob(job, now)),
    artifacts: (row.artifacts ?? []).map((artifact) => toArtifact(artifact, now)),
  }
}

function toJob({ started, completed, ...job }: JobRow, now: Date): PipelineJob {
  const until = completed ?? (job.status === 'running' ? now : null)
  return {
    id: job.id,
    name: job.name,
    status: job.status,
    conclusion: job.conclusion,
    started_at: instantOf(started),
    completed_at: instantOf(completed),
    duration: started === null || until === null ? 0 : secondsBetween(started, until),
    steps: job.steps,
  }
}

function toArtifact(artifact: ArtifactSnapshot, now: Date): PipelineArtifact {
  const { expires_at: end } = artifact
  return { ...artifact, expired: artifact.expired || (end !== null && Date.parse(end) <= +now) }
}

function instantOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
