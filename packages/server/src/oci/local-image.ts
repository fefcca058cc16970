import type { Readable } from 'node:stream'
import type { Descriptor } from './parse-manifest.ts'

/** An image on this machine: what it is, and what it is made of, by digests. */
export interface ImageLayout {
  /** The images that it names; the same one may be there under several names. */
  readonly images: readonly Descriptor[]
  /** Bytes; null when the digest is not there. */
  size(digest: string): Promise<number | null>
  /** Must be consumed or destroyed; only for what `size` knows. Its content is yet to be verified. */
  open(digest: string): Promise<Readable>
  close(): Promise<void>
}
