import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { JobClaim } from './holds-job.ts'

type Deps = { db: Kysely<Tables> }

/**
 * Lets pass only who registered the worker: `authorization_failed` for any other token,
 * `resource_not_found` when the worker is not registered (any more).
 */
export async function requireOwnWorker(
  deps: Deps,
  input: { principal: Principal; workerId: string },
): Promise<void> {
  const { principal, workerId } = input
  const { rows } = await sql<{ isTheirs: boolean }>`
    select coalesce(principal = ${principal.id}, false) as "isTheirs"
      from workers where id = ${workerId}::uuid`.execute(deps.db)
  judge(rows[0], workerId)
}

/** What the ledger says of a job that a worker holds. */
export interface OwnJob {
  type: string
  subject: string
  runId: string | null
  payload: unknown
}

/**
 * The same, and that the worker holds this attempt: a `resource_conflict` where it does not (any more).
 * Answers the job.
 */
export async function requireOwnAttempt(
  deps: Deps,
  input: {
    principal: Principal
    claim: JobClaim
    /** Of this type alone. */
    type?: string | readonly string[]
    /** Also where the attempt has ended, in whatever way: for what may be said twice. */
    orEnded?: boolean
  },
): Promise<OwnJob> {
  const { principal, claim, orEnded = false } = input
  const { rows } = await sql<OwnJob & { isTheirs: boolean; isHeld: boolean }>`
    select coalesce(workers.principal = ${principal.id}, false) as "isTheirs",
           held.id is not null as "isHeld",
           held.type, held.subject, held.run_id as "runId", held.payload
      from workers
      left join lateral (
        select id, type, subject, run_id, payload from jobs
         where jobs.id = ${claim.id}::uuid and jobs.attempt = ${claim.attempt}
           and jobs.worker_id = workers.id and (jobs.state = 'running' or ${orEnded})) as held on true
     where workers.id = ${claim.workerId}::uuid`.execute(deps.db)
  const row = judge(rows[0], claim.workerId)
  const types = input.type === undefined ? [row.type] : [input.type].flat()
  if (!row.isHeld || !types.includes(row.type)) {
    throw new AppError('resource_conflict', 'The job is no longer this worker’s')
  }
  const { type, subject, runId, payload } = row
  return { type, subject, runId, payload }
}

function judge<Row extends { isTheirs: boolean }>(row: Row | undefined, workerId: string): Row {
  if (row === undefined) {
    throw new AppError('resource_not_found', `There is no worker ${workerId}`)
  }
  if (row.isTheirs) return row
  throw new AppError('authorization_failed', 'Another token has registered this worker')
}
