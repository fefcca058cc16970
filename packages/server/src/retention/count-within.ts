import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Rows that are counted; there may be more. */
export const mostCounted = 10_000
const longestMs = 2_000

/** Up to one more than `mostCounted` rows; null where that takes the database too long. */
export async function countWithin(
  db: Kysely<Tables>,
  rows: RawBuilder<unknown>,
): Promise<number | null> {
  return withinTime(db, async (trx) => {
    const counted = await sql<{ rows: number }>`
      select count(*)::integer as rows from (${rows} limit ${mostCounted + 1}) as counted`.execute(
      trx,
    )
    return counted.rows[0]?.rows ?? 0
  })
}

/** What `read` answers; null where one of its statements takes the database too long. */
export async function withinTime<T>(
  db: Kysely<Tables>,
  read: (trx: Kysely<Tables>) => Promise<T>,
): Promise<T | null> {
  try {
    return await db.transaction().execute(async (trx) => {
      await sql`set local statement_timeout = ${sql.lit(longestMs)}`.execute(trx)
      return read(trx)
    })
  } catch (error) {
    if ((error as { code?: unknown }).code === queryCancelled) return null
    throw error
  }
}

const queryCancelled = '57014'
