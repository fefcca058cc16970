import { sql } from 'kysely'
import { transact } from '../db/unit-of-work.ts'
import { encodeError } from './encode-outcome.ts'
import type { LedgerDeps, UnsettledJob } from './job-owners.ts'
import { applyChange } from './job-states.ts'

/**
 * Ends, as failed, a queued job that the bus gave up delivering, and tells its owner in the same
 * transaction. `attempt`: how many attempts had begun when what was not delivered was written; a job that has
 * begun one since was taken all the same. False: it is not queued any more, or was taken, and nothing happened.
 */
export async function strandJob(
  deps: LedgerDeps,
  input: { id: string; attempt: number; error: string },
): Promise<boolean> {
  const { id, attempt: begun } = input
  return await transact(deps, async (unit) => {
    const read = async (lock: boolean) => {
      const { rows } = await sql<QueuedRow>`
        select type, subject, run_id, payload, attempt, max_attempts from jobs
         where id = ${id}::uuid and state = 'queued' and attempt = ${begun} ${lock ? sql`for update` : sql``}`.execute(
        unit.trx,
      )
      return rows[0] ?? null
    }
    const glance = await read(false)
    if (glance === null) return false
    const owner = deps.owners[glance.type]
    await owner?.lock?.(unit, { id, runId: glance.run_id })
    const row = await read(true)
    if (row === null) return false
    const { attempt, max_attempts: maxAttempts } = row
    const next = applyChange({ state: 'queued', attempt, maxAttempts }, 'strand')
    if (next === null) return false
    const error = encodeError(input.error)
    await sql`
      update jobs set state = ${next.state}, finished_at = clock_timestamp(), error = ${error}
       where id = ${id}::uuid`.execute(unit.trx)
    const { type, subject, run_id: runId, payload } = row
    const job: UnsettledJob = {
      id,
      type,
      subject,
      runId,
      payload,
      attempt,
      maxAttempts,
      workerId: null,
      error,
    }
    await owner?.ended?.(unit, job, 'failed')
    return true
  })
}

interface QueuedRow {
  type: string
  subject: string
  run_id: string | null
  payload: unknown
  attempt: number
  max_attempts: number
}
