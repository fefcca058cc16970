import type { RawBuilder } from 'kysely'

/** What a statement answers a row with: one value, and what tells it from others. */
export interface StoreRow {
  value: number
  labels: Readonly<Record<string, string>>
  /** Of histograms: the upper bound of what `value` counts, Infinity behind the last, and their sum. */
  bucket?: number
  sum?: number
}

/** A figure that is asked of the database: a gauge, unless it says otherwise. */
export interface StoreGauge {
  name: string
  help: string
  labelNames: readonly string[]
  /** It only grows. */
  isCounter?: true
  /** It is a histogram with these upper bounds. */
  buckets?: readonly number[]
}

/** A statement for figures: its rows say in `gauge` which of them each is of. */
export interface StoreStatement {
  /** Of the label of `slipway_store_statement_up`. */
  name: string
  gauges: Readonly<Record<string, StoreGauge>>
  statement: RawBuilder<StoreRow & { gauge: string }>
}

/** Of anything, so many are counted at most: what is more shows as this. */
export const mostCounted = 100_000
