import { createHash, createHmac } from 'node:crypto'

/** One server, and what all servers of a database must have in common. */
export interface ServerIdentity {
  /** A UUID made when the process starts. */
  id: string
  /** For people. */
  name: string
  /** Id of its data directory. */
  home: string
  version: string
  /** See `fingerprintOf`. */
  keyFingerprint: string
  /** `embedded`, or what `nameOf` makes of where it is. */
  gitops: string
  /** `files`, or what `nameOf` makes of where they are. */
  objects: string
}

/** Tells whether two servers have the same master key, and nothing of the key. */
export function fingerprintOf(masterKey: Buffer): string {
  return createHmac('sha256', masterKey).update('slipway master key fingerprint').digest('hex')
}

/** Tells whether two servers name the same place; a URL may have a password in it. */
export function nameOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
