import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'

/** One attempt of a job in the hands of one worker. */
export interface JobClaim {
  id: string
  attempt: number
  workerId: string
}

/** Whether the attempt is still that worker's. The caller holds the lock of the job's owner (the run's row). */
export async function holdsJob(unit: UnitOfWork, claim: JobClaim): Promise<boolean> {
  const { rows } = await sql`
    select 1 from jobs
     where id = ${claim.id}::uuid and attempt = ${claim.attempt} and state = 'running'
       and worker_id = ${claim.workerId}::uuid`.execute(unit.trx)
  return rows.length === 1
}
