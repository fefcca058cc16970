/** The first thing in a backup. */
export const manifestName = 'slipway-backup.json'
/** What sequences stood at; behind the tables. */
export const sequencesName = 'sequences.json'
/** The embedded GitOps repository, as git packs it. */
export const bundleName = 'gitops.bundle'
export const newestFormat = 1

/** What a backup says of itself. */
export interface Manifest {
  format: number
  /** Of the program that made it. */
  version: string
  /** RFC 3339. */
  createdAt: string
  /** Of the server, e.g. `18.4`. */
  postgres: string
  /** Applied to the database, in their order. */
  migrations: readonly { name: string; checksum: string }[]
  tables: readonly TableShape[]
  /** Tells whether a master key is that of the server, and nothing of the key; null: it had none. */
  keyFingerprint: string | null
  /** Id of the data directory; null: it had none. */
  home: string | null
  /** What of the data directory is in it. */
  files: readonly string[]
}

export interface TableShape {
  name: string
  /** Those that are stored and not computed. */
  columns: readonly string[]
  /** Where it is part of another table. */
  partition: { of: string; bound: string } | null
}

/** What `sequencesName` holds. */
export interface SequenceState {
  name: string
  value: string
  called: boolean
}
