import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import type { NamePage, ServedRegistry } from '../../../ports/registry.ts'

interface Deps {
  db: Kysely<Tables>
}

/** See `ServedRegistry`. */
export async function listTags(
  { db }: Deps,
  repository: string,
  { after, limit }: NamePage,
): Promise<string[] | null> {
  const known = await db
    .selectFrom('oci_manifests')
    .select('repository')
    .where('repository', '=', repository)
    .limit(1)
    .executeTakeFirst()
  if (known === undefined) return null
  const { rows } = await sql<{ tag: string }>`
    select tag from oci_tags
     where repository = ${repository} and tag collate "C" > ${after ?? ''}
     order by tag collate "C" limit ${limit}`.execute(db)
  return rows.map(({ tag }) => tag)
}

/** See `ServedRegistry`. */
export async function listRepositories(
  { db }: Deps,
  { after, limit }: NamePage,
): Promise<string[]> {
  const { rows } = await sql<{ repository: string }>`
    select repository from (select distinct repository from oci_manifests) as known
     where repository collate "C" > ${after ?? ''}
     order by repository collate "C" limit ${limit}`.execute(db)
  return rows.map(({ repository }) => repository)
}

/** See `ServedRegistry`. */
export async function listReferrers(
  { db }: Deps,
  of: { repository: string; digest: string },
  page: NamePage & { artifactType: string | null },
): ReturnType<ServedRegistry['listReferrers']> {
  const { after, limit, artifactType } = page
  const query = db
    .selectFrom('oci_manifests')
    .select(['digest', 'media_type as mediaType', 'artifact_type as artifactType', 'content'])
    .where('repository', '=', of.repository)
    .where('subject', '=', of.digest)
    .where('digest', '>', after ?? '')
    .orderBy('digest')
    .limit(limit)
  return artifactType === null
    ? query.execute()
    : query.where('artifact_type', '=', artifactType).execute()
}
