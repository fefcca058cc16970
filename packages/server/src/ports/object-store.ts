import type { Readable } from 'node:stream'

/**
 * Keeps large immutable things under keys: sealed logs, outputs, large results.
 *
 * Keys: `/`-separated segments of `[A-Za-z0-9._@+=-]`, none of them `.` or `..`, each at most 200
 * bytes and all at most 1,024; a key that is not is refused with a TypeError before anything is
 * touched (`object-key.ts`). No key may be another's folder: a store may refuse `a/b` when `a` exists.
 * Concurrency: a `put` is atomic: readers see the old object or the new one, never half of one;
 * of two puts the last to finish wins.
 * Failure: a rejected `put` leaves nothing behind. `get`, `head` of a missing key answer null;
 * deleting one is no error. Streams that are handed out must be consumed or destroyed.
 */
export interface ObjectStore {
  readonly name: string
  put(key: string, body: Readable | Buffer, options?: PutOptions): Promise<void>
  /** Takes over the local file: afterwards it is gone from `path` and is the object. */
  putFile(key: string, path: string, options?: PutOptions): Promise<void>
  /** `end` is inclusive, as in HTTP ranges; beyond the end is cut. */
  get(key: string, range?: { start: number; end?: number }): Promise<Readable | null>
  head(key: string): Promise<{ size: number; modifiedAt: Date } | null>
  delete(key: string): Promise<void>
  /** Deletes every object whose key starts with `prefix` (which ends in `/`). */
  deletePrefix(prefix: string): Promise<void>
  /**
   * A link that needs no credential for so long, or null where the store has none to give. Whether there is
   * such an object is not looked up.
   */
  presign(key: string, seconds: number, options?: LinkOptions): Promise<string | null>
  /**
   * Sets a tag of every object whose key starts with `prefix` (which ends in `/`), in place of the tags it
   * had. Absent where objects have none.
   */
  tagPrefix?(prefix: string, tag: ObjectTag): Promise<void>
  /** Rejects when the store can't be reached or written; used by health. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface PutOptions {
  contentType?: string
  /** Milliseconds until the upload is given up. Default 300,000. */
  timeoutMs?: number
}

export interface LinkOptions {
  /** What the answer says of the content, whatever was said when it was put. */
  contentType?: string
  /** The answer shows it in place, and keeps it under this name. */
  fileName?: string
}

export interface ObjectTag {
  name: string
  value: string
}
