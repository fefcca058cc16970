import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Milliseconds until the next queued job of these types may start: 0 if one may now, null if there is none. */
export async function msToNextRun(
  deps: { db: Kysely<Tables> },
  input: { types: readonly string[] },
): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select ceil(extract(epoch from min(first.run_at) - clock_timestamp()) * 1000)::float8 as ms
      from unnest(${input.types}::text[]) as served (type)
     cross join lateral (
       select run_at from jobs
        where state = 'queued' and jobs.type = served.type
        order by run_at, id limit 1) as first`.execute(deps.db)
  const ms = rows[0]?.ms ?? null
  return ms === null ? null : Math.max(0, ms)
}
