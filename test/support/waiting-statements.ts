import { type Kysely, sql } from 'kysely'
import { expect } from 'vitest'
import type { Tables } from '../../packages/server/src/db/tables.gen.ts'

/** Resolves when so many statements wait for a lock in this database. */
export async function waitingStatements(db: Kysely<Tables>, count: number): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await sql<{ waiting: number }>`
        select count(*)::integer as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
      return rows[0]?.waiting
    })
    .toBe(count)
}
