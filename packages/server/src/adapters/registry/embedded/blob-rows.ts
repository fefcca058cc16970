import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import { isDigest } from '../../../oci/index.ts'

/** Where the object store has a blob. */
export function blobKey(digest: string): string {
  if (!isDigest(digest)) throw new TypeError(`not a digest: ${digest.slice(0, 100)}`)
  return `oci/blobs/${digest.replace(':', '/')}`
}

/** A blob that is there for this repository. */
export async function findBlob(
  db: Kysely<Tables>,
  repository: string,
  digest: string,
): Promise<{ size: number } | null> {
  const row = await db
    .selectFrom('oci_blobs')
    .select('size_bytes')
    .where('repository', '=', repository)
    .where('digest', '=', digest)
    .where('stored', '=', true)
    .executeTakeFirst()
  return row === undefined ? null : { size: row.size_bytes }
}

/**
 * Whoever says that a blob's content is there, or takes it away, holds this to the end of its
 * transaction, so that the one does not happen between the other's look and its deed.
 */
export async function lockContent(trx: Kysely<Tables>, digest: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`oci blob ${digest}`}, 0))`.execute(trx)
}
