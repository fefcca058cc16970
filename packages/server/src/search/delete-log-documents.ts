import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Forgets the logs of a run, which retention has deleted. */
export async function deleteLogDocuments(
  deps: { db: Kysely<Tables> },
  input: { runId: string },
): Promise<void> {
  await sql`
    delete from search_documents where run_id = ${input.runId} and kind = 'log'`.execute(deps.db)
}
