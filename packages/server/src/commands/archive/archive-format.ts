import type { Headers } from 'tar-stream'

/**
 * A backup is a tar file, which any tar can list. Whatever is in it is cut into entries of at most
 * `pieceBytes`, `<name>~<number from 1, six digits>`, each with its SHA-256 in its own header. The last one,
 * `end.json`, tells how many there were and a digest over all of them in their order: so what is cut
 * off, changed or out of place is found by reading, with no more than a piece in memory.
 */
export const pieceBytes = 4 * 1024 * 1024
/** Extended header of tar with the SHA-256 of an entry, in hexadecimal. */
export const digestHeader = 'SLIPWAY.sha256'
export const endName = 'end.json'
/** What the digest over all entries is made of, entry by entry. */
export const chained = (name: string, size: number, sha256: string) =>
  `${name}\n${size}\n${sha256}\n`

/** Headers as they are: the types leave the extended ones out. */
export type PaxHeaders = Headers & { pax?: Readonly<Record<string, string>> | null }

/** What `end.json` holds. */
export interface ArchiveEnd {
  entries: number
  /** Of the lines of `chained`. */
  sha256: string
}
