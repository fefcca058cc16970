import type { ConfigurationFormat } from '@slipway/contract/configurations'

/** A value and the keys that lead to it. */
export interface Leaf {
  path: string[]
  /** A text, number, boolean, null, a list, or an object without keys. */
  value: unknown
}

/** Merge these into a file. */
export interface MergeQuestion {
  format: ConfigurationFormat
  /** Of the file; null: there is none. */
  text: string | null
  leaves: Leaf[]
}

/** What it came to, or why it cannot be merged, as what is said of the file. */
export interface MergeMessage {
  kind: 'answer'
  answer: { ok: true; merged: Merged } | { ok: false; problem: string }
}

export interface Merged {
  text: string
  /** Keys that were not there, that had another value, and that had this one. */
  added: number
  changed: number
  same: number
}
