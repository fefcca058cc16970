import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Milliseconds after the end of a build in which its worker may still be about to use an image. */
const graceMs = 600_000

/**
 * Of jobs, those of builds whose image at a worker's engine nobody needs: they ended without one, have it in a registry, or
 * it has expired. Jobs that no build has are nobody's here: another installation may use the same engine.
 */
export async function findUnneededImages(
  { db }: { db: Kysely<Tables> },
  jobIds: readonly string[],
): Promise<readonly string[]> {
  if (jobIds.length === 0) return []
  const { rows } = await sql<{ id: string }>`
    select b.job_id as id from builds b
     where b.job_id = any (${jobIds}::uuid[])
       and b.completed_at < now() - ${graceMs}::float8 * interval '1 ms'
       and not exists (
         select from build_outputs o
          where o.build_id = b.id and o.image_id is not null and not o.is_pushed
            and o.cleaned_at is null and o.expires_at > now())`.execute(db)
  return rows.map(({ id }) => id)
}
