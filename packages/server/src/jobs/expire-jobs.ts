import { sql } from 'kysely'
import { endAttempt, endEach } from './end-attempt.ts'
import type { LedgerDeps } from './job-owners.ts'

const batch = 200

/**
 * Ends, as failed, running jobs whose deadline has passed. Answers those it ended, and how many
 * milliseconds the next deadline is away (0: more have passed already; null: nothing is running). Rejects if any could not be ended.
 */
export async function expireJobs(
  deps: LedgerDeps,
  input: { signal?: AbortSignal } = {},
): Promise<{ expired: string[]; nextInMs: number | null }> {
  const { rows } = await sql<{ id: string; attempt: number }>`
    select id, attempt from jobs
     where state = 'running' and deadline_at <= clock_timestamp()
     order by deadline_at limit ${batch}`.execute(deps.db)
  const expired: string[] = []
  await endEach(rows, input.signal, async (job) => {
    if (await expireJob(deps, job)) expired.push(job.id)
  })
  const next = await sql<{ ms: number | null }>`
    select ceil(extract(epoch from min(deadline_at) - clock_timestamp()) * 1000)::float8 as ms
      from jobs where state = 'running'`.execute(deps.db)
  const ms = next.rows[0]?.ms ?? null
  return { expired, nextInMs: ms === null ? null : Math.max(0, ms) }
}

/** Ends one attempt whose deadline has passed; false if it has time left or is not running. */
export async function expireJob(
  deps: LedgerDeps,
  input: { id: string; attempt: number },
): Promise<boolean> {
  const error = 'Its deadline passed.'
  return (await endAttempt(deps, { ...input, change: 'expire', error })) !== null
}
