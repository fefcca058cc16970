import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { ReleasedArtifact } from './resolve-resources.ts'

/** What a run made of a project. */
export async function loadMade(
  db: Kysely<Tables>,
  input: { runId: string; project: string },
): Promise<ReleasedArtifact[]> {
  return db
    .selectFrom('artifacts')
    .select(['name', 'type', 'tracking_oci_uri', 'primary_published_uri', 'digest'])
    .where('run_id', '=', input.runId)
    .where('project', '=', input.project)
    .orderBy('name')
    .execute()
}
