import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Memo } from './memo.ts'

/** What the queries of this room need. */
export interface MonitorDeps {
  db: Kysely<Tables>
  memo: Memo
  source: MonitorSource
}

/** Who fills the tables from GitHub, and may be asked to do so at once. */
export interface MonitorSource {
  /**
   * Sees to it that a repository is in the tables that nobody watches: `known` it is there already,
   * `loaded` it is there now, with its newest runs, `missing` GitHub has none of that name or does not show it to us,
   * `away` GitHub could not be asked. Ends within a deadline of its own, and when `signal` aborts.
   */
  ensureRepository(
    fullName: string,
    signal: AbortSignal,
  ): Promise<'known' | 'loaded' | 'missing' | 'away'>
  /** Whether the last attempt to learn which repositories there are has failed because of GitHub. */
  isAway(): boolean
}

/** Milliseconds for which what GitHub said counts as of this moment. */
export const freshMs = 60_000
