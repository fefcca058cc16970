import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { ClaimedJob } from '../ports/job-bus.ts'
import type { LedgerFigures } from './job-owners.ts'
import { giveUpMs } from './liveness.ts'

export interface ClaimInput {
  /** Registered and alive; a worker whose lease ran out, or that is draining, is given nothing. */
  workerId: string
  /** Served in this order: those of the first type go first. */
  types: readonly string[]
  /** At most so many. */
  limit: number
  /** Only jobs of these ids. */
  only?: readonly string[]
}

/** A claimed job with the length of its attempt, which needs no agreement between clocks. */
export interface ClaimedAttempt extends ClaimedJob {
  timeoutMs: number
}

/**
 * Gives up to `limit` queued jobs, oldest first, to the worker: they are running, one attempt
 * further, with a deadline. No job goes to two claims, and none waits for another's.
 *
 * The claim is not synced to disk by itself: a crash of the database may take it back, and the job
 * is then queued again with the same attempt number, which `listHeldJobs` tells the worker.
 */
export async function claimJobs(
  deps: { db: Kysely<Tables>; figures?: Pick<LedgerFigures, 'claimed'> },
  input: ClaimInput,
): Promise<ClaimedAttempt[]> {
  // The ids are an array from an init plan, so that the outer scan is by primary key whatever the
  // statistics say. Neither limit has a sort beneath it: rows are locked one by one as they are
  // taken, and never more than are claimed.
  const { rows } = await sql<ClaimRow>`
    with quick as materialized (select set_config('synchronous_commit', 'off', true) as setting)
    update jobs
       set state = 'running', attempt = jobs.attempt + 1, worker_id = ${input.workerId}::uuid,
           started_at = now(), deadline_at = now() + jobs.timeout_ms * interval '1 ms'
     where jobs.id = any (${input.only === undefined ? oldest(input) : named(input, input.only)})
       and exists (select from workers
                    where id = ${input.workerId}::uuid and not draining
                      and last_seen_at > now() - ${giveUpMs}::integer * interval '1 ms')
       and (select setting from quick) = 'off'
    returning jobs.id, jobs.type, jobs.subject, jobs.run_id, jobs.payload, jobs.attempt,
              jobs.deadline_at, jobs.timeout_ms, jobs.origin,
              extract(epoch from now() - jobs.run_at)::float8 as waited_seconds`.execute(deps.db)
  for (const { type, waited_seconds: seconds } of rows) deps.figures?.claimed(type, seconds)
  return rows.map((row) => ({
    id: row.id,
    type: row.type,
    subject: row.subject,
    runId: row.run_id,
    payload: row.payload,
    attempt: row.attempt,
    deadlineAt: row.deadline_at,
    timeoutMs: row.timeout_ms,
    origin: row.origin,
  }))
}

function oldest({ types, limit }: ClaimInput) {
  return sql`array(
    select ready.id
      from unnest(${types}::text[]) as served (type)
     cross join lateral (
       select id from jobs
        where state = 'queued' and jobs.type = served.type and run_at <= now()
        order by run_at, id limit ${limit}::integer
          for update skip locked) as ready
     limit ${limit}::integer)`
}

function named({ types, limit }: ClaimInput, ids: readonly string[]) {
  return sql`array(
    select id from jobs
     where id = any (${ids}::uuid[]) and state = 'queued' and type = any (${types}::text[])
       and run_at <= now()
     limit ${limit}::integer
       for update skip locked)`
}

interface ClaimRow {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: unknown
  attempt: number
  deadline_at: Date
  timeout_ms: number
  origin: string | null
  waited_seconds: number
}
