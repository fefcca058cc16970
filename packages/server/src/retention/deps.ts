import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { ConfiguredTimes, Kind } from './kinds.ts'

/** What would go if a kind were kept so long; `rows` null: that took too long to count. */
export type CountRemovals = (
  kind: Kind,
  keptMs: number,
) => Promise<readonly { what: string; rows: number | null }[]>

export interface RetentionDeps {
  db: Kysely<Tables>
  configured: ConfiguredTimes
  environments: readonly { name: string; logRetentionDays: number }[]
  countRemovals: CountRemovals
}
