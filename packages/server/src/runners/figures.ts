import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Upper bounds in seconds, by what is measured. Those of the duration hold the document's, 10 and 30. */
export const figureBuckets = {
  /** From the start of a container to its end, of jobs that were not cancelled. */
  duration: [1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600],
  /** From when GitHub queued a job until it got a place. */
  queue: [0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600],
  /** From there until its container ran. */
  start: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
} as const

/** One figure of those that `delegationFigures` answers. */
export interface DelegationFigure {
  figure: 'ended' | 'duration' | 'queue' | 'start'
  /** The status of those that ended; the class of those that waited. */
  label: string
  /** Upper bound in seconds, and not within a smaller one; Infinity: none. */
  bucket: number
  count: number
  /** Seconds. */
  sum: number
}

const batchSize = 1_000
/** The whole of what is not yet counted; as the index has it. */
const isUnmeasured = sql<boolean>`
  ((measured = 0 and started_at is not null) or (measured < 2 and completed_at is not null))`

/** Every figure there is, of all delegations ever; at most `mostNew` that are not yet counted are looked at. */
export function delegationFigures(mostNew: number): RawBuilder<DelegationFigure> {
  return sql<DelegationFigure>`
    with due as (select * from delegations where ${isUnmeasured} limit ${mostNew})
    select figure, label, bucket, sum(count)::float8 as count, sum(sum)::float8 as sum
      from (select figure, label, bucket, count, sum from delegation_figures
            union all ${figuresOfDue()}) as parts
     group by figure, label, bucket`
}

/**
 * Counts what has started and ended since the last time, each once, so that it stays counted when it is
 * deleted.
 */
export async function measureDelegations(
  { db }: { db: Kysely<Tables> },
  signal: AbortSignal,
): Promise<void> {
  for (let count = batchSize; count === batchSize && !signal.aborted;) {
    const { rows } = await sql<{ count: number }>`
      with due as (
        select * from delegations where ${isUnmeasured}
         order by updated_at limit ${batchSize} for update skip locked
      ), marked as (
        update delegations d set measured = case when due.completed_at is null then 1 else 2 end
          from due where d.id = due.id
      ), counted as (
        insert into delegation_figures as f (figure, label, bucket, count, sum)
        select figure, label, bucket, count, sum from (${figuresOfDue()}) as fresh
        on conflict (figure, label, bucket)
        do update set count = f.count + excluded.count, sum = f.sum + excluded.sum
      )
      select count(*)::integer as count from due`.execute(db)
    count = rows[0]?.count ?? 0
  }
}

/** Of `due`: of each what is not yet counted. */
function figuresOfDue(): RawBuilder<DelegationFigure> {
  const between = (from: string, to: string) =>
    sql`greatest(0, extract(epoch from ${sql.raw(to)} - ${sql.raw(from)}))::float8`
  return sql<DelegationFigure>`
    select 'ended' as figure, status as label, 'Infinity'::float8 as bucket,
           count(*)::bigint as count, 0::float8 as sum
      from due where completed_at is not null group by status
    union all
    ${timed('duration', sql`''`, between('started_at', 'completed_at'), sql`completed_at is not null and status <> 'cancelled'`)}
    union all
    ${timed('queue', sql`coalesce(class, '')`, between('queued_at', 'coalesce(assigned_at, started_at)'), sql`measured = 0`)}
    union all
    ${timed('start', sql`coalesce(class, '')`, between('assigned_at', 'started_at'), sql`measured = 0 and assigned_at is not null`)}`
}

function timed(
  figure: keyof typeof figureBuckets,
  label: RawBuilder<unknown>,
  seconds: RawBuilder<unknown>,
  condition: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`
    select ${sql.lit(figure)}, label,
           coalesce((select min(bound) from unnest(${[...figureBuckets[figure]]}::float8[]) as bounds (bound)
                      where seconds <= bound), 'Infinity'::float8),
           count(*)::bigint, sum(seconds)::float8
      from (select ${label} as label, ${seconds} as seconds
              from due where started_at is not null and ${condition}) as measured
     group by 2, 3`
}
