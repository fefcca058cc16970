import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/**
 * Whether the worker holds the job, or held it when it ended. Not: one whose attempt was lost, or who gave
 * the job back.
 */
export async function hasWorkedOn(
  deps: { db: Kysely<Tables> },
  input: { jobId: string; workerId: string },
): Promise<boolean> {
  const { jobId, workerId } = input
  const { rows } = await sql`
    select 1 from jobs
     where id = ${jobId}::uuid and worker_id = ${workerId}::uuid and state <> 'queued'
    union all
    select 1 from job_history where id = ${jobId}::uuid and worker_id = ${workerId}::uuid
    limit 1`.execute(deps.db)
  return rows.length === 1
}
