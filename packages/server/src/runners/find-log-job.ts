import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** The job of the ledger that writes the log of this key; null where no delegation has it. */
export async function findDelegationLogJob(
  deps: { db: Kysely<Tables> },
  key: string,
): Promise<string | null> {
  const id = /^delegations\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\//.exec(key)?.[1]
  if (id === undefined) return null
  const { rows } = await sql<{ ledger_job_id: string | null }>`
    select ledger_job_id from delegations where id = ${id}::uuid and log_key = ${key}
  `.execute(deps.db)
  return rows[0]?.ledger_job_id ?? null
}
