import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { lockDelegation } from '../delegation-rows.ts'
import { type DelegationEnd, endWithJob } from '../end-delegation.ts'
import { ownName } from './delegations-of-queue.ts'
import type { QueueDeps } from './deps.ts'
import { findQueueJob } from './queue-jobs.ts'
import { explainEnd } from './settle-queue-job.ts'

/** Milliseconds that a container may take to end once GitHub has no job for its runner. */
const lingerMs = 60_000
/** Milliseconds in which a runner must have reached GitHub. */
const silentMs = 600_000
const mostAtOnce = 50

interface Surplus {
  id: string
  githubId: number
  jobId: number | null
  /** It has no job any more. */
  isOver: boolean
  since: Date
}

/**
 * Ends delegations whose runner GitHub knows and nobody needs: their job is another runner's, or over, or
 * they never reached GitHub. GitHub is asked to forget the runner first, which it refuses while that works
 * on a job: then it was given one that is not known here yet, and stays.
 */
export async function retireRunners(
  deps: QueueDeps,
  repository: string,
  signal: AbortSignal,
): Promise<void> {
  for (const surplus of await findSurplus(deps, repository)) {
    const outcome = await deps.runners.deleteRunner(repository, surplus.githubId, signal)
    if (outcome === 'busy') continue
    // One that is gone has done its job, and its container is about to end.
    const isSoon = Date.now() - surplus.since.getTime() < lingerMs
    if (outcome === 'gone' && isSoon) continue
    const end = await explain(deps, surplus)
    await transact(deps, async (unit) => {
      const locked = await lockDelegation(unit.trx, { delegation: surplus.id })
      if (locked !== null) await endWithJob(deps, unit, locked, end)
    })
  }
}

async function findSurplus({ db }: QueueDeps, repository: string): Promise<Surplus[]> {
  const { rows } = await sql<Surplus & { runnerName: string | null; name: string }>`
    select d.id, r.github_id as "githubId", d.github_job_id as "jobId", r.name,
           q.runner_name as "runnerName",
           (q.github_job_id is null or q.state in ('in_progress', 'completed')) as "isOver",
           greatest(q.updated_at, d.started_at, d.assigned_at) as since
    from delegations d
      join runners r on r.delegation_id = d.id and r.type = 'ephemeral'
      left join queue_jobs q on q.github_job_id = d.github_job_id
    where d.source = 'queue' and d.repository = ${repository} and r.github_id is not null
      and d.status in ('assigned', 'running')
      and (q.github_job_id is null or q.state in ('in_progress', 'completed')
        or d.started_at < now() - ${silentMs}::float8 * interval '1 ms')
    order by d.created_at limit 1000`.execute(db)
  const isOwn = ({ runnerName, name }: { runnerName: string | null; name: string }) =>
    runnerName !== null && ownName(runnerName) === name
  return rows.filter((row) => !row.isOver || !isOwn(row)).slice(0, mostAtOnce)
}

async function explain({ db }: QueueDeps, surplus: Surplus): Promise<DelegationEnd> {
  const job = surplus.jobId === null ? null : await findQueueJob(db, surplus.jobId)
  if (!surplus.isOver) {
    const minutes = silentMs / 60_000
    return { status: 'failed', reason: `Its runner took no job within ${minutes} minutes` }
  }
  const reason = job === null ? 'Another runner took the job' : explainEnd(job)
  return { status: 'cancelled', reason }
}
