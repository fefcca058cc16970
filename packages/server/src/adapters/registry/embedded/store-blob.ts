import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import { AppError } from '../../../errors.ts'
import { verifying } from '../../../oci/index.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import type { BlobSource } from '../../../ports/registry.ts'
import { blobKey, lockContent } from './blob-rows.ts'
import { requireDigest, requireName } from '../require-names.ts'

/** How long the object store may take for one blob, in milliseconds. */
const uploadMs = 1_800_000
/** The collector may take content away that was just found; then it is uploaded. */
const tries = 3

/**
 * Stores a blob for a repository. What another repository has brought is not stored twice, but it is
 * read and verified all the same: nobody gets at content by knowing its digest.
 */
export async function storeBlob(
  deps: { db: Kysely<Tables>; objects: ObjectStore },
  input: { repository: string; blob: BlobSource },
  signal: AbortSignal,
): Promise<void> {
  const { repository, blob } = input
  requireName(repository)
  requireDigest(blob.digest)
  signal.throwIfAborted()
  if (await wantAgain(deps.db, repository, blob)) return
  for (let attempt = 1; attempt <= tries; attempt++) {
    if (await isStoredAnywhere(deps.db, blob.digest)) await verifyOnly(blob, signal)
    else await upload(deps.objects, blob, signal)
    if (await declareStored(deps, repository, blob)) return
  }
  throw new AppError('unavailable', `The object store does not keep ${blob.digest}`)
}

/** Notes the wish; true where the repository has the blob already. */
async function wantAgain(
  db: Kysely<Tables>,
  repository: string,
  { digest, size }: BlobSource,
): Promise<boolean> {
  const row = await db
    .insertInto('oci_blobs')
    .values({ repository, digest, size_bytes: size })
    .onConflict((conflict) =>
      conflict.columns(['repository', 'digest']).doUpdateSet({ wanted_at: sql`now()` }),
    )
    .returning(['stored', 'size_bytes'])
    .executeTakeFirstOrThrow()
  if (row.stored && row.size_bytes !== size) {
    throw new AppError(
      'invalid_request',
      `${digest} should have ${size} bytes and has ${row.size_bytes}`,
    )
  }
  return row.stored
}

async function isStoredAnywhere(db: Kysely<Tables>, digest: string): Promise<boolean> {
  const row = await db
    .selectFrom('oci_blobs')
    .select('digest')
    .where('digest', '=', digest)
    .where('stored', '=', true)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function verifyOnly(blob: BlobSource, signal: AbortSignal): Promise<void> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  await pipeline(await blob.open(), verifying(blob), nowhere, { signal })
}

async function upload(objects: ObjectStore, blob: BlobSource, signal: AbortSignal): Promise<void> {
  const verified = verifying(blob)
  const reading = pipeline(await blob.open(), verified, { signal })
  // Its failure ends the stream that is stored, and is told by that.
  reading.catch(() => {})
  try {
    await objects.put(blobKey(blob.digest), verified, { timeoutMs: uploadMs })
  } finally {
    verified.destroy()
  }
  await reading
}

/** False where the content has been collected in between. */
async function declareStored(
  deps: { db: Kysely<Tables>; objects: ObjectStore },
  repository: string,
  { digest, size }: BlobSource,
): Promise<boolean> {
  return deps.db.transaction().execute(async (trx) => {
    await lockContent(trx, digest)
    const found = await deps.objects.head(blobKey(digest))
    if (found === null) return false
    await trx
      .insertInto('oci_blobs')
      .values({ repository, digest, size_bytes: size, stored: true })
      .onConflict((conflict) =>
        conflict
          .columns(['repository', 'digest'])
          .doUpdateSet({ stored: true, size_bytes: size, wanted_at: sql`now()` }),
      )
      .execute()
    return true
  })
}
