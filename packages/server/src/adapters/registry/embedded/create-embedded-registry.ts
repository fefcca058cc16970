import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import type { ServedRegistry } from '../../../ports/registry.ts'
import { blobKey, findBlob } from './blob-rows.ts'
import { listReferrers, listRepositories, listTags } from './list-content.ts'
import { findManifest } from './find-manifest.ts'
import { storeBlob } from './store-blob.ts'
import { storeManifest } from './store-manifest.ts'

export interface EmbeddedRegistryDeps {
  db: Kysely<Tables>
  objects: ObjectStore
  /** `host[:port]` by which clients reach this server; asked for whenever it is needed. */
  base: () => string
}

/**
 * The OCI store of this server: manifests and tags in the database, blobs in the object store under
 * `oci/blobs/sha256/<hex>`, each once for all repositories. Content is verified while it comes in, and
 * a manifest is stored, with its tags, in one transaction that finds all it needs.
 */
export function createEmbeddedRegistry(deps: EmbeddedRegistryDeps): ServedRegistry {
  const { db, objects } = deps
  return {
    name: 'embedded',
    get base() {
      return deps.base()
    },
    putBlob: (repository, blob, signal) => storeBlob(deps, { repository, blob }, signal),
    putManifest: (repository, manifest, signal) =>
      storeManifest(deps, { repository, manifest }, signal),
    getManifest: (repository, reference, signal) =>
      findManifest(deps, { repository, reference }, signal),

    async blobSize(repository, digest) {
      return (await findBlob(db, repository, digest))?.size ?? null
    },

    async getBlob(repository, digest, signal, range) {
      signal.throwIfAborted()
      const blob = await findBlob(db, repository, digest)
      if (blob === null) return null
      const body = await objects.get(blobKey(digest), range)
      if (body === null) throw new Error(`the object store has lost ${digest}`)
      return { size: blob.size, body }
    },

    listTags: (repository, page) => listTags(deps, repository, page),
    listRepositories: (page) => listRepositories(deps, page),
    listReferrers: (repository, digest, page) => listReferrers(deps, { repository, digest }, page),

    async check() {
      await sql`select 1`.execute(db)
      await objects.check()
    },
  }
}
