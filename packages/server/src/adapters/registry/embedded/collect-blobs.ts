import type { ExpressionBuilder, Kysely } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { blobKey, lockContent } from './blob-rows.ts'

const batch = 200

interface Deps {
  db: Kysely<Tables>
  objects: ObjectStore
}

/**
 * Takes away the blobs that no manifest needs and that nobody has asked for since `before`: what was
 * uploaded for a manifest that never came. Answers how many. Safe beside uploads; doing it twice, or
 * half, is harmless: first the row says that the content is not there, and only when that is committed
 * the content goes, so that no row ever promises too much.
 */
export async function collectBlobs(
  deps: Deps,
  input: { before: Date; signal: AbortSignal },
): Promise<number> {
  const { before, signal } = input
  let collected = 0
  let after = { repository: '', digest: '' }
  for (;;) {
    signal.throwIfAborted()
    const found = await unneeded(deps.db, before)
      .where((is) =>
        is(is.refTuple('repository', 'digest'), '>', is.tuple(after.repository, after.digest)),
      )
      .select(['repository', 'digest'])
      .orderBy('repository')
      .orderBy('digest')
      .limit(batch)
      .execute()
    for (const blob of found) {
      signal.throwIfAborted()
      if (await collect(deps, blob, before)) collected += 1
    }
    const last = found.at(-1)
    if (last === undefined || found.length < batch) return collected
    after = last
  }
}

function unneeded(db: Kysely<Tables>, before: Date) {
  return db
    .selectFrom('oci_blobs')
    .where('wanted_at', '<', before)
    .where((is) =>
      is.not(
        is.exists(
          is
            .selectFrom('oci_manifest_blobs as needed')
            .select('needed.manifest')
            .whereRef('needed.repository', '=', 'oci_blobs.repository')
            .whereRef('needed.blob', '=', 'oci_blobs.digest'),
        ),
      ),
    )
}

async function collect(
  { db, objects }: Deps,
  blob: { repository: string; digest: string },
  before: Date,
): Promise<boolean> {
  await lockedIfUnneeded(db, blob, before, async (trx) => {
    await trx.updateTable('oci_blobs').set({ stored: false }).where(isRow(blob)).execute()
  })
  const collected = await lockedIfUnneeded(db, blob, before, async (trx) => {
    await trx.deleteFrom('oci_blobs').where(isRow(blob)).execute()
    const other = await trx
      .selectFrom('oci_blobs')
      .select('digest')
      .where('digest', '=', blob.digest)
      .where('stored', '=', true)
      .limit(1)
      .executeTakeFirst()
    if (other === undefined) await objects.delete(blobKey(blob.digest))
    return true
  })
  return collected === true
}

/**
 * Runs `change` while nobody can come to need the blob. Whether it is unneeded is asked behind the
 * lock, in a statement of its own: one that had to wait would judge by what was before.
 */
async function lockedIfUnneeded<T>(
  db: Kysely<Tables>,
  blob: { repository: string; digest: string },
  before: Date,
  change: (trx: Kysely<Tables>) => Promise<T>,
): Promise<T | null> {
  return db.transaction().execute(async (trx) => {
    await lockContent(trx, blob.digest)
    await trx.selectFrom('oci_blobs').select('digest').where(isRow(blob)).forUpdate().execute()
    const found = await unneeded(trx, before).where(isRow(blob)).select('digest').executeTakeFirst()
    return found === undefined ? null : change(trx)
  })
}

function isRow({ repository, digest }: { repository: string; digest: string }) {
  return (is: ExpressionBuilder<Tables, 'oci_blobs'>) => is.and({ repository, digest })
}
