import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

export interface HeldJob {
  id: string
  attempt: number
  /** Its deadline has passed: the sweep is about to end it. */
  overdue: boolean
}

/** What the ledger believes this worker to be doing, of these types. */
export async function listHeldJobs(
  deps: { db: Kysely<Tables> },
  input: { workerId: string; types: readonly string[] },
): Promise<HeldJob[]> {
  const { rows } = await sql<HeldJob>`
    select id, attempt, deadline_at <= clock_timestamp() as overdue from jobs
     where worker_id = ${input.workerId}::uuid and state = 'running'
       and type = any (${input.types}::text[])`.execute(deps.db)
  return rows
}
