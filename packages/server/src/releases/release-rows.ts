import type { Release, ReleaseAlias } from '@slipway/contract/releases'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** A release as one row holds it, with its artifacts and aliases. */
interface ReleaseRow {
  id: string
  repository: string
  project: string
  commit_sha: string
  release_number: number
  run_id: string | null
  oci_uri: string
  oci_digest: string
  trigger_type: Release['trigger']['trigger_type']
  branch: string | null
  triggered_by: string
  created_by: string
  created_at: Date
  artifacts: Release['artifacts']
  aliases: ReleaseAlias[]
}

/** The aliases of the release `r` that have a row, oldest first; as a column of JSON. */
export const storedAliases: RawBuilder<ReleaseAlias[]> = sql`coalesce((
  select json_agg(json_build_object('alias', a.alias, 'alias_type', a.alias_type)
                  order by a.created_at, a.alias)
  from release_aliases a where a.release_id = r.id), '[]')`

/** All aliases of a release: those that have a row, then its number. */
export function withNumber(stored: readonly ReleaseAlias[], number: number): ReleaseAlias[] {
  return [...stored, { alias: String(number), alias_type: 'numeric' }]
}

/** Null where there is no such release. */
export async function loadRelease(db: Kysely<Tables>, id: string): Promise<Release | null> {
  const { rows } = await sql<ReleaseRow>`
    select r.id, r.repository, r.project, r.commit_sha, r.release_number, r.run_id, r.oci_uri,
           r.oci_digest, r.trigger_type, r.branch, r.triggered_by, r.created_by, r.created_at,
           coalesce((
             select json_agg(json_build_object(
               'name', f.name, 'type', f.type, 'tracking_oci_uri', f.tracking_oci_uri,
               'primary_published_uri', f.primary_published_uri) order by f.position)
             from release_artifacts f where f.release_id = r.id), '[]') as artifacts,
           ${storedAliases} as aliases
    from releases r where r.id = ${id}`.execute(db)
  const [row] = rows
  return row === undefined ? null : toRelease(row)
}

function toRelease(row: ReleaseRow): Release {
  const { run_id, trigger_type, branch, triggered_by, created_at, aliases, ...rest } = row
  return {
    ...rest,
    created_at: created_at.toISOString(),
    pipeline_run_id: run_id,
    aliases: withNumber(aliases, row.release_number),
    trigger: { trigger_type, ...(branch === null ? {} : { branch }), triggered_by },
  }
}
