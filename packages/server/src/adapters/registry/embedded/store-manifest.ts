import type { Kysely } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import { AppError } from '../../../errors.ts'
import { type Descriptor, digestOf, parseManifest } from '../../../oci/index.ts'
import type { NewManifest } from '../../../ports/registry.ts'
import { requireName, requireTags } from '../require-names.ts'

/**
 * Stores a manifest and points its tags at it, all at once or not at all. AppError `invalid_request`
 * names the blobs and manifests that it needs and that the repository lacks.
 */
export async function storeManifest(
  deps: { db: Kysely<Tables> },
  input: { repository: string; manifest: NewManifest },
  signal: AbortSignal,
): Promise<string> {
  const { repository, manifest } = input
  requireName(repository)
  requireTags(manifest.tags)
  const parsed = parseManifest(manifest)
  const digest = digestOf(manifest.content)
  const blobs = distinct(parsed.blobs)
  signal.throwIfAborted()
  await deps.db.transaction().execute(async (trx) => {
    const missing = [
      ...(await missingBlobs(trx, repository, blobs)),
      ...(await missingManifests(trx, repository, distinct(parsed.manifests))),
    ]
    if (missing.length > 0) refuse(missing)
    await trx
      .insertInto('oci_manifests')
      .values({
        repository,
        digest,
        media_type: manifest.mediaType,
        artifact_type: parsed.artifactType,
        subject: parsed.subject?.digest ?? null,
        content: manifest.content,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    if (blobs.length > 0) {
      await trx
        .insertInto('oci_manifest_blobs')
        .values(blobs.map((blob) => ({ repository, blob: blob.digest, manifest: digest })))
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
    const tags = [...new Set(manifest.tags)].toSorted()
    if (tags.length > 0) {
      await trx
        .insertInto('oci_tags')
        .values(tags.map((tag) => ({ repository, tag, digest })))
        .onConflict((conflict) =>
          conflict.columns(['repository', 'tag']).doUpdateSet({ digest, updated_at: new Date() }),
        )
        .execute()
    }
  })
  return digest
}

function distinct(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((found) => [found.digest, found])).values()]
}

/** The rows that are found stay until the transaction ends. */
async function missingBlobs(
  trx: Kysely<Tables>,
  repository: string,
  wanted: readonly Descriptor[],
): Promise<string[]> {
  if (wanted.length === 0) return []
  const rows = await trx
    .selectFrom('oci_blobs')
    .select(['digest', 'size_bytes'])
    .where('repository', '=', repository)
    .where(
      'digest',
      'in',
      wanted.map(({ digest }) => digest),
    )
    .where('stored', '=', true)
    .orderBy('digest')
    .forShare()
    .execute()
  const sizes = new Map(rows.map((row) => [row.digest, row.size_bytes]))
  return wanted.flatMap(({ digest, size }) => {
    const found = sizes.get(digest)
    if (found === undefined) return [`the blob ${digest} is not there`]
    return found === size ? [] : [`the blob ${digest} has ${found} bytes, not ${size}`]
  })
}

async function missingManifests(
  trx: Kysely<Tables>,
  repository: string,
  wanted: readonly Descriptor[],
): Promise<string[]> {
  if (wanted.length === 0) return []
  const rows = await trx
    .selectFrom('oci_manifests')
    .select('digest')
    .where('repository', '=', repository)
    .where(
      'digest',
      'in',
      wanted.map(({ digest }) => digest),
    )
    .execute()
  const found = new Set(rows.map((row) => row.digest))
  return wanted
    .filter(({ digest }) => !found.has(digest))
    .map(({ digest }) => `the manifest ${digest} is not there`)
}

function refuse(missing: readonly string[]): never {
  const rest = missing.length > 1 ? ` (and ${missing.length - 1} more)` : ''
  throw new AppError('invalid_request', `The manifest is not whole: ${missing[0]}${rest}`, {
    problems: missing.slice(0, 100).map((message) => ({ path: '', message })),
  })
}
