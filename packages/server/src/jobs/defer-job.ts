import { sql } from 'kysely'
import type { UnitOfWork, UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { JobClaim } from './holds-job.ts'

/**
 * Queues a job again after a pause, for it is another worker's to do: the attempt does not count. Call it last,
 * after the room's own locks. False: it was no longer this worker's running attempt, and nothing happened.
 */
export async function deferJob(
  deps: Pick<UnitOfWorkDeps, 'wakeJobs'>,
  unit: UnitOfWork,
  claim: JobClaim & { delayMs: number },
): Promise<boolean> {
  const { id, attempt, workerId, delayMs } = claim
  const { rows } = await sql<{ id: string; type: string; subject: string }>`
    update jobs
       set state = 'queued', max_attempts = max_attempts + 1, worker_id = null, started_at = null,
           deadline_at = null, run_at = clock_timestamp() + ${delayMs}::float8 * interval '1 ms'
     where id = ${id}::uuid and attempt = ${attempt} and state = 'running'
       and worker_id = ${workerId}::uuid
    returning id, type, subject`.execute(unit.trx)
  const [job] = rows
  if (job === undefined) return false
  unit.afterCommit(() => deps.wakeJobs([{ ...job, delayMs }]))
  return true
}
