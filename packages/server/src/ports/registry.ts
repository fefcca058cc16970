import type { Readable } from 'node:stream'

/**
 * Stores OCI content: blobs, manifests and tags (OCI Distribution Specification 1.1).
 *
 * `repository` is a path of lower-case components below the registry's `base`; the caller has made it
 * with `ociName`. Concurrency: any number of calls; of two pushes of one tag the last to finish wins.
 * Failure: AppError `unavailable` when the registry is away or answers nonsense, `authorization_failed`
 * when it refuses the credential; what was pushed before stays and is harmless, because only a tag or a
 * digest that somebody was told makes content visible. Every call ends when `signal` aborts.
 */
export interface Registry {
  readonly name: string
  /** `host[:port][/prefix]`: what stands before a repository in a URI. */
  readonly base: string
  /** Uploads a blob unless it is there; refuses content that is not what its digest says. */
  putBlob(repository: string, blob: BlobSource, signal: AbortSignal): Promise<void>
  /** Stores a manifest whose blobs are there, then points the tags at it. Answers its digest. */
  putManifest(repository: string, manifest: NewManifest, signal: AbortSignal): Promise<string>
  /** By tag or digest; null when there is none. */
  getManifest(
    repository: string,
    reference: string,
    signal: AbortSignal,
  ): Promise<StoredManifest | null>
  /** The stream must be consumed or destroyed; null when there is none. */
  getBlob(
    repository: string,
    digest: string,
    signal: AbortSignal,
  ): Promise<{ size: number; body: Readable } | null>
  /** Rejects when the registry can't be reached. */
  check(signal: AbortSignal): Promise<void>
}

export interface BlobSource {
  /** `sha256:<64 hex digits>`. */
  digest: string
  /** Bytes. */
  size: number
  /** A fresh stream of the whole content; may be called again for another try. */
  open(): Readable | Promise<Readable>
}

export interface NewManifest {
  mediaType: string
  content: Buffer
  tags: readonly string[]
}

export interface StoredManifest {
  digest: string
  mediaType: string
  content: Buffer
}

/** A registry that can also say what is in it: the embedded one, which is served to others. */
export interface ServedRegistry extends Registry {
  /** Bytes; null when there is none. */
  blobSize(repository: string, digest: string): Promise<number | null>
  /** `range` has both ends inclusive and lies within the blob. */
  getBlob(
    repository: string,
    digest: string,
    signal: AbortSignal,
    range?: { start: number; end: number },
  ): Promise<{ size: number; body: Readable } | null>
  /** Names in the order of their bytes; null when nothing was ever pushed to the repository. */
  listTags(repository: string, page: NamePage): Promise<string[] | null>
  /** Repositories that something was pushed to, in the order of their bytes. */
  listRepositories(page: NamePage): Promise<string[]>
  /** Manifests whose subject is `digest`, in the order of their digests, whether or not that is there. */
  listReferrers(
    repository: string,
    digest: string,
    page: NamePage & { artifactType: string | null },
  ): Promise<(StoredManifest & { artifactType: string | null })[]>
}

export interface NamePage {
  /** Only what comes behind this name. */
  after: string | null
  limit: number
}

/** Where releases and tracking artifacts go, and how a publisher's registry is reached. */
export interface Registries {
  /** The embedded store, or the registry of the settings. */
  readonly home: Registry
  /**
   * A registry by its `host[:port][/prefix]`, with a stored credential of type `registry_*` by name.
   * `askedBy` is the repository whose commit names both; null: the server's settings do. AppError
   * `resource_not_found` when there is no such credential, `authorization_failed` when it is not for
   * this registry, or not for this repository.
   */
  open(input: {
    registry: string
    credential: string | null
    askedBy: string | null
  }): Promise<Registry>
}
