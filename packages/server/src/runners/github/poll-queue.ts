import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { GitHubError } from '../../ports/github.ts'
import type { QueueJob, UnfinishedRun, UnfinishedStatus } from '../../ports/github-runners.ts'
import type { QueueDeps } from './deps.ts'
import type { ToldJob } from './merge-queue-job.ts'
import { findQueueJob, lockQueue, storeQueueJob } from './queue-jobs.ts'
import { settleQueueJob } from './settle-queue-job.ts'
import { takeQueueJobs } from './take-queue-jobs.ts'

/** What GitHub answered about a repository before, so that asking again costs nothing where nothing changed. */
export interface QueueMemory {
  runs: Map<UnfinishedStatus, { etag: string | null; runs: readonly UnfinishedRun[] }>
  /** By run and attempt. */
  jobs: Map<string, string>
}

export function createQueueMemory(): QueueMemory {
  return { runs: new Map(), jobs: new Map() }
}

const statuses: readonly UnfinishedStatus[] = ['queued', 'in_progress', 'waiting']
/** Jobs that are asked for one by one in a round, those that nobody confirmed for the longest time first. */
const mostSingly = 30
/** Milliseconds after the last news of a job during which GitHub's API may not know it yet. */
const unknownMs = 300_000
/** Jobs whose delegations are looked at in a round. */
const mostUnsettled = 500

/**
 * Compares GitHub's queue of a repository with what is here: jobs that nobody told of are delegated, and of
 * those that GitHub does not list any more it is asked how they ended. Rejects with a `GitHubError`; what
 * was stored until then stays.
 */
export async function pollQueue(
  deps: QueueDeps,
  input: { repository: string; memory: QueueMemory },
  signal: AbortSignal,
): Promise<void> {
  const { repository, memory } = input
  const begunAt = new Date()
  for (const run of await listRuns(deps, input, signal)) {
    await pollRun(deps, { repository, memory, run }, signal)
  }
  await confirmSingly(deps, { repository, begunAt }, signal)
  await settleRest(deps, repository)
}

async function listRuns(
  { runners }: QueueDeps,
  { repository, memory }: { repository: string; memory: QueueMemory },
  signal: AbortSignal,
): Promise<UnfinishedRun[]> {
  const found = new Map<number, UnfinishedRun>()
  for (const status of statuses) {
    const known = memory.runs.get(status)
    const query = { status, etag: known?.etag ?? null }
    const answer = await runners.listRuns(repository, query, signal)
    const runs = answer.changed ? answer.value : (known?.runs ?? [])
    if (answer.changed) memory.runs.set(status, { etag: answer.etag, runs })
    for (const run of runs) found.set(run.id, run)
  }
  // What ended needs no memory any more.
  const keys = new Set([...found.values()].map(keyOf))
  for (const key of memory.jobs.keys()) if (!keys.has(key)) memory.jobs.delete(key)
  // First come, first served.
  return [...found.values()].toSorted((a, b) => a.id - b.id)
}

function keyOf({ id, attempt }: UnfinishedRun): string {
  return `${id}/${attempt}`
}

async function pollRun(
  deps: QueueDeps,
  input: { repository: string; memory: QueueMemory; run: UnfinishedRun },
  signal: AbortSignal,
): Promise<void> {
  const { repository, memory, run } = input
  const { id: runId, attempt } = run
  const key = keyOf(run)
  const confirmedAt = new Date()
  const etag = memory.jobs.get(key) ?? null
  const answer = await deps.runners
    .listJobs(repository, { runId, attempt, etag }, signal)
    .catch((error: unknown) => {
      // GitHub may list a run before it has jobs, or when it is gone already.
      if (error instanceof GitHubError && error.reason === 'missing') return null
      throw error
    })
  if (answer === null) return
  if (!answer.changed) {
    await sql`
      update queue_jobs set confirmed_at = greatest(confirmed_at, ${confirmedAt})
      where repository = ${repository} and github_run_id = ${String(runId)}
        and run_attempt = ${attempt} and state <> 'completed'`.execute(deps.db)
    return
  }
  const jobs = answer.value.map((job) => toldJob(job, run))
  await transact(deps, (unit) => takeQueueJobs(deps, unit, { repository, jobs, confirmedAt }))
  if (answer.etag === null) memory.jobs.delete(key)
  else memory.jobs.set(key, answer.etag)
}

/** With what the job itself does not say. */
function toldJob(job: QueueJob, run: { event: string; actor: string }): ToldJob {
  const { event, actor } = run
  return { ...job, queuedAt: job.queuedAt ?? new Date(), event, actor }
}

/** Asks about jobs that are here, and that the lists did not say. */
async function confirmSingly(
  deps: QueueDeps,
  { repository, begunAt }: { repository: string; begunAt: Date },
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await sql<{ id: number; isNew: boolean }>`
    select github_job_id as id,
           updated_at > now() - ${unknownMs}::float8 * interval '1 ms' as "isNew"
    from queue_jobs
    where repository = ${repository} and state <> 'completed'
      and (confirmed_at is null or confirmed_at < ${begunAt})
    order by confirmed_at nulls first, github_job_id limit ${mostSingly}`.execute(deps.db)
  for (const { id, isNew } of rows) {
    const confirmedAt = new Date()
    const job = await deps.runners.getJob(repository, id, signal)
    if (job === null && isNew) continue
    await transact(deps, async (unit) => {
      await lockQueue(unit, repository)
      const known = await findQueueJob(unit.trx, id)
      if (known === null) return
      const told: ToldJob =
        job === null ? { ...known, state: 'completed' } : toldJob(job, { event: '', actor: '' })
      await storeQueueJob(unit, { repository, told, confirmedAt })
      await settleQueueJob(deps, unit, id)
    })
  }
}

/** Jobs whose delegations are not what they should be, though nothing new is heard of them. */
async function settleRest(deps: QueueDeps, repository: string): Promise<void> {
  await transact(deps, async (unit) => {
    await lockQueue(unit, repository)
    const { rows } = await sql<{ id: number }>`
      select q.github_job_id as id from queue_jobs q
      where q.repository = ${repository}
        and (q.state = 'queued') is distinct from exists (
          select from delegations d
          where d.github_job_id = q.github_job_id and d.source = 'queue'
            and d.status in ('queued', 'assigned', 'running'))
      order by q.github_job_id limit ${mostUnsettled}`.execute(unit.trx)
    for (const { id } of rows) await settleQueueJob(deps, unit, id)
  })
}
