import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Forgets logs that retention has deleted. */
export async function deleteLogDocuments(deps: { db: Kysely<Tables> }): Promise<void> {
  await sql`
    delete from search_documents d using runs r
    where d.kind = 'log' and d.run_id = r.id and r.logs_deleted_at is not null`.execute(deps.db)
}
