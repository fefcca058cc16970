import type { Kysely } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import { isDigest } from '../../../oci/index.ts'
import type { StoredManifest } from '../../../ports/registry.ts'

/** By digest, else by tag. */
export async function findManifest(
  deps: { db: Kysely<Tables> },
  input: { repository: string; reference: string },
  signal: AbortSignal,
): Promise<StoredManifest | null> {
  const { repository, reference } = input
  signal.throwIfAborted()
  const manifests = deps.db
    .selectFrom('oci_manifests as manifest')
    .select(['manifest.digest', 'manifest.media_type as mediaType', 'manifest.content'])
    .where('manifest.repository', '=', repository)
  const query = isDigest(reference)
    ? manifests.where('manifest.digest', '=', reference)
    : manifests
        .innerJoin('oci_tags as tag', (join) =>
          join
            .onRef('tag.repository', '=', 'manifest.repository')
            .onRef('tag.digest', '=', 'manifest.digest'),
        )
        .where('tag.tag', '=', reference)
  return (await query.executeTakeFirst()) ?? null
}
