import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { endAttempt, endEach } from './end-attempt.ts'
import type { LedgerDeps } from './job-owners.ts'

/**
 * Frees attempts of a worker that nobody works on any more: queued again at once, or dead after the
 * last attempt. `only` limits it to those attempts. Answers how many it freed.
 */
export async function releaseJobs(
  deps: LedgerDeps,
  input: {
    workerId: string
    only?: readonly { id: string; attempt: number }[]
    error: string
    /** The attempts do not count. */
    excused?: boolean
  },
): Promise<number> {
  const attempts = input.only ?? (await listOfWorker(deps, input.workerId))
  const { workerId, error, excused = false } = input
  let freed = 0
  await endEach(attempts, undefined, async ({ id, attempt }) => {
    if (await endAttempt(deps, { id, attempt, workerId, change: 'lose', error, excused })) freed++
  })
  return freed
}

/**
 * Gives back attempts that were claimed and not begun, as if they had never been claimed.
 * Only for attempts whose handler was never entered.
 */
export async function returnJobs(
  deps: LedgerDeps,
  input: { workerId: string; attempts: readonly { id: string; attempt: number }[] },
): Promise<void> {
  if (input.attempts.length === 0) return
  const { rows } = await sql<{ id: string; type: string; subject: string }>`
    with given as materialized (
      select * from unnest(
        ${input.attempts.map((attempt) => attempt.id)}::uuid[],
        ${input.attempts.map((attempt) => attempt.attempt)}::integer[]
      ) as given (id, attempt)
    ), held as materialized (
      select id from jobs
       where id = any (${input.attempts.map((attempt) => attempt.id)}::uuid[])
         and state = 'running'
       order by id for update
    )
    update jobs
       set state = 'queued', attempt = jobs.attempt - 1, worker_id = null, started_at = null,
           deadline_at = null
      from given
     where jobs.id = any (array(select id from held)) and given.id = jobs.id
       and given.attempt = jobs.attempt and jobs.worker_id = ${input.workerId}::uuid
       and jobs.state = 'running'
    returning jobs.id, jobs.type, jobs.subject`.execute(deps.db)
  if (rows.length > 0) deps.wakeJobs(rows)
}

async function listOfWorker(deps: { db: Kysely<Tables> }, workerId: string) {
  const { rows } = await sql<{ id: string; attempt: number }>`
    select id, attempt from jobs
     where worker_id = ${workerId}::uuid and state = 'running' order by id`.execute(deps.db)
  return rows
}
