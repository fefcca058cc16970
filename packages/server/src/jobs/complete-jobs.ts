import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { encodeError, encodeResult } from './encode-outcome.ts'

/** The end of one attempt as its handler tells it. */
export interface JobVerdict {
  id: string
  attempt: number
  workerId: string
  state: 'succeeded' | 'failed'
  /** Any JSON value of at most 1 MiB; undefined and null are stored as null. */
  result?: unknown
  error?: string | null
}

/** One of a batch, its result as `encodeResult` made it: one that cannot be stored must not fail its neighbours. */
export type EncodedVerdict = Omit<JobVerdict, 'workerId' | 'result'> & { resultJson: string | null }

/**
 * Ends attempts of one worker at any number of jobs in one statement and answers the ids that it ended. The others
 * were no longer its running attempt (cancelled, expired, freed): what they report is void.
 * No owner is told; a failed job of a type that has one ends by `failJob`.
 */
export async function completeJobs(
  deps: { db: Kysely<Tables> },
  input: { workerId: string; verdicts: readonly EncodedVerdict[] },
): Promise<Set<string>> {
  const { workerId, verdicts } = input
  if (verdicts.length === 0) return new Set()
  // Every statement that locks several jobs locks them in order of id: two of them cannot deadlock.
  const { rows } = await sql<{ id: string }>`
    with verdict as materialized (
      select * from unnest(
        ${verdicts.map((verdict) => verdict.id)}::uuid[],
        ${verdicts.map((verdict) => verdict.attempt)}::integer[],
        ${verdicts.map((verdict) => verdict.state)}::text[],
        ${verdicts.map((verdict) => verdict.resultJson)}::text[],
        ${verdicts.map((verdict) => encodeError(verdict.error))}::text[]
      ) as given (id, attempt, state, result, error)
    ), held as materialized (
      select id from jobs
       where id = any (array(select id from verdict)) and state = 'running'
       order by id for update
    )
    update jobs
       set state = verdict.state, result = verdict.result::jsonb, error = verdict.error,
           finished_at = now()
      from verdict
     where jobs.id = any (array(select id from held))
       and verdict.id = jobs.id and verdict.attempt = jobs.attempt
       and jobs.worker_id = ${workerId}::uuid and jobs.state = 'running'
    returning jobs.id`.execute(deps.db)
  return new Set(rows.map((row) => row.id))
}

/**
 * Ends one attempt inside the transaction that applies its result; call it last, after the room's own
 * locks. False: it was no longer this worker's running attempt, and the unit must change nothing.
 */
export async function settleJob(unit: UnitOfWork, verdict: JobVerdict): Promise<boolean> {
  const { rows } = await sql`
    update jobs
       set state = ${verdict.state}, result = ${encodeResult(verdict.result)}::jsonb,
           error = ${encodeError(verdict.error)}, finished_at = now()
     where id = ${verdict.id}::uuid and attempt = ${verdict.attempt} and state = 'running'
       and worker_id = ${verdict.workerId}::uuid
    returning id`.execute(unit.trx)
  return rows.length === 1
}
