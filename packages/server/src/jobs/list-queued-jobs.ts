import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Which of these jobs are queued still: whoever carries them has to go on carrying them. */
export async function listQueuedJobs(
  deps: { db: Kysely<Tables> },
  input: { ids: readonly string[] },
): Promise<string[]> {
  if (input.ids.length === 0) return []
  const { rows } = await sql<{ id: string }>`
    select id from jobs where id = any (${input.ids}::uuid[]) and state = 'queued'`.execute(deps.db)
  return rows.map(({ id }) => id)
}
