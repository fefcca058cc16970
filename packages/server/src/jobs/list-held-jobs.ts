import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** What the ledger believes this worker to be doing, of these types. */
export async function listHeldJobs(
  deps: { db: Kysely<Tables> },
  input: { workerId: string; types: readonly string[] },
): Promise<{ id: string; attempt: number }[]> {
  const { rows } = await sql<{ id: string; attempt: number }>`
    select id, attempt from jobs
     where worker_id = ${input.workerId}::uuid and state = 'running'
       and type = any (${input.types}::text[])`.execute(deps.db)
  return rows
}
