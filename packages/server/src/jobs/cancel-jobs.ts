import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import type { JobOwners, UnsettledJob } from './job-owners.ts'

/**
 * Cancels what is queued or running for a run, or one job, inside the caller's transaction, which holds the
 * lock of whoever it is for; owners are told in it. Answers the ids that were running: after the commit, `bus.cancel` tells
 * their holders (whatever they report later is refused in any case).
 */
export async function cancelJobs(
  deps: { unit: UnitOfWork; owners: JobOwners },
  input: ({ runId: string } | { jobId: string }) & { error?: string },
): Promise<string[]> {
  const which =
    'runId' in input ? sql`run_id = ${input.runId}::uuid` : sql`id = ${input.jobId}::uuid`
  const { rows } = await sql<CancelledRow>`
    with live as materialized (
      select id, state, worker_id from jobs
       where ${which} and state in ('queued', 'running')
       order by id for update
    )
    update jobs set state = 'cancelled', finished_at = now(), error = ${input.error ?? null}::text
      from live
     where jobs.id = any (array(select id from live)) and jobs.id = live.id
    returning jobs.id, jobs.type, jobs.subject, jobs.run_id, jobs.payload, jobs.attempt,
              jobs.max_attempts, live.worker_id, live.state as was`.execute(deps.unit.trx)
  for (const row of rows) {
    const job: UnsettledJob = {
      id: row.id,
      type: row.type,
      subject: row.subject,
      runId: row.run_id,
      payload: row.payload,
      attempt: row.attempt,
      maxAttempts: row.max_attempts,
      workerId: row.worker_id,
      error: input.error ?? null,
    }
    await deps.owners[row.type]?.ended?.(deps.unit, job, 'cancelled')
  }
  return rows.filter((row) => row.was === 'running').map((row) => row.id)
}

interface CancelledRow {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: unknown
  attempt: number
  max_attempts: number
  worker_id: string | null
  was: 'queued' | 'running'
}
