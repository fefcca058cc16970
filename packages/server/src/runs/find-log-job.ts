import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** The job of the ledger that writes the log of this key; null where no step has it. */
export async function findStepLogJob(
  deps: { db: Kysely<Tables> },
  key: string,
): Promise<string | null> {
  const runId = /^pipeline-runs\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\//.exec(key)?.[1]
  if (runId === undefined) return null
  const { rows } = await sql<{ job_id: string | null }>`
    select t.job_id from steps s join tasks t on t.id = s.task_id
     where s.run_id = ${runId}::uuid and s.log_key = ${key} limit 1`.execute(deps.db)
  return rows[0]?.job_id ?? null
}
