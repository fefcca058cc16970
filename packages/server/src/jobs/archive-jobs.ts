import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { countWithin } from '../retention/index.ts'

const dayMs = 86_400_000
/** Jobs of a day that are counted. */
const mostCounted = 100_000

/**
 * Moves up to `limit` jobs that ended more than `olderThanMs` ago to the day partitions of the
 * history, oldest first, making partitions as needed. Answers how many; `limit` means there are more.
 */
export async function archiveJobs(
  deps: { db: Kysely<Tables> },
  input: { olderThanMs: number; limit: number },
): Promise<number> {
  const due = sql`
    select id, finished_at from jobs
     where finished_at < now() - ${input.olderThanMs}::float8 * interval '1 ms'
     order by finished_at limit ${input.limit}::integer`
  const days = await sql<{ day: string }>`
    select distinct to_char(finished_at at time zone 'UTC', 'YYYYMMDD') as day
      from (${due}) as due`.execute(deps.db)
  for (const { day } of days.rows) await createPartition(deps.db, day)
  if (days.rows.length === 0) return 0
  // Only of days whose partition is there: a job that ends in between may be of another.
  const { rows } = await sql<{ moved: number }>`
    with gone as (
      delete from jobs
       where id = any (array(select id from (${due} for update skip locked) as due))
         and to_char(finished_at at time zone 'UTC', 'YYYYMMDD')
             = any (${days.rows.map((row) => row.day)}::text[])
      returning *
    ), kept as (
      insert into job_history (id, type, subject, run_id, payload, state, attempt, worker_id,
                               result, error, created_at, started_at, finished_at, origin)
      select id, type, subject, run_id, payload, state, attempt, worker_id, result, error,
             created_at, started_at, finished_at, origin from gone
      returning id
    )
    select count(*)::integer as moved from kept`.execute(deps.db)
  return rows[0]?.moved ?? 0
}

/**
 * Drops the partitions of days that ended more than `retentionDays` ago; answers their days (YYYYMMDD), and
 * how many jobs those had, of which up to 100,000 a day are counted.
 */
export async function dropJobHistory(
  deps: { db: Kysely<Tables> },
  input: { retentionDays: number },
): Promise<{ days: string[]; removed: number }> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = 'job_history'::regclass
       and relname ~ '^job_history_[0-9]{8}$'
       and to_date(right(relname, 8), 'YYYYMMDD')
           < (now() at time zone 'UTC')::date - ${input.retentionDays}::integer`.execute(deps.db)
  let removed = 0
  for (const { name } of rows) {
    const counted = await sql<{ jobs: number }>`
      select count(*)::integer as jobs
        from (select from ${sql.table(name)} limit ${mostCounted}) as day`.execute(deps.db)
    await sql`drop table if exists ${sql.table(name)}`.execute(deps.db)
    removed += counted.rows[0]?.jobs ?? 0
  }
  return { days: rows.map(({ name }) => name.slice(-8)).sort(), removed }
}

/** How many jobs `dropJobHistory` would drop, up to a bound; null where that takes too long to say. */
export function countOldJobs(
  { db }: { db: Kysely<Tables> },
  { retentionDays }: { retentionDays: number },
): Promise<number | null> {
  return countWithin(
    db,
    sql`select from job_history
         where finished_at < ((now() at time zone 'UTC')::date - ${retentionDays}::integer)
                               ::timestamp at time zone 'UTC'`,
  )
}

async function createPartition(db: Kysely<Tables>, day: string): Promise<void> {
  const start = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T00:00:00Z`)
  const from = new Date(start).toISOString()
  const to = new Date(start + dayMs).toISOString()
  await sql`
    create table if not exists ${sql.table(`job_history_${day}`)}
      partition of job_history for values from (${sql.lit(from)}) to (${sql.lit(to)})`.execute(db)
}
