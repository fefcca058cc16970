import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { createMemo, type Memo } from './memo.ts'
import { takeTurns } from './take-turns.ts'

/** What the queries of this room need. */
export interface MonitorDeps {
  db: Kysely<Tables>
  memos: Memos
  source: MonitorSource
}

/** What is kept in memory, of each kind as much as it may take. */
export interface Memos {
  /** Counts and figures of one repository each. */
  figures: Memo
  /** Pages of pipelines and runs, and insights. */
  pages: Memo
  /** Computes insights, a few at once: they take seconds, and a connection to the database each. */
  inTurn: ReturnType<typeof takeTurns>
}

/** Runs, jobs, steps and artifacts that all kept pages together show: some 500 bytes each, with their JSON. */
const maxParts = 100_000

/** Some tens of megabytes at most. */
export function createMemos(): Memos {
  const pages = createMemo(100, maxParts)
  return { figures: createMemo(20_000), pages, inTurn: takeTurns(2, 20) }
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

/** Milliseconds after which it counts as old: polls are a minute apart, and take their time. */
export const staleMs = 75_000
