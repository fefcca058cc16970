import { sql } from 'kysely'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { encodeError, encodeResult } from './encode-outcome.ts'
import type { LedgerDeps, LossReason, UnsettledJob } from './job-owners.ts'
import { applyChange, type JobState } from './job-states.ts'

export interface AttemptEnd {
  id: string
  attempt: number
  /** Only if it is this worker's. */
  workerId?: string
  change: 'fail' | 'lose' | 'expire'
  /** Of a lost attempt: what its owner is told. Default `lost`. */
  reason?: LossReason
  error: string
  result?: unknown
  /** Of a lost attempt: milliseconds until the next may start. Default 0. */
  delayMs?: number
  /** Of a lost attempt: it does not count against the job's attempts, for what ended it is not the job's fault. */
  excused?: boolean
}

/** The state that the job is in now. */
export interface AttemptEnded {
  state: JobState
}

/**
 * Ends a running attempt badly, in one transaction with what its owner makes of it. Null: the attempt
 * was not running any more (or, for `expire`, has time left), and nothing happened.
 */
export async function endAttempt(deps: LedgerDeps, end: AttemptEnd): Promise<AttemptEnded | null> {
  return await transact(deps, async (unit) => {
    const glance = await readRunning(unit, end, false)
    if (glance === null) return null
    const owner = deps.owners[glance.type]
    await owner?.lock?.(unit, { id: glance.id, runId: glance.run_id })
    const row = await readRunning(unit, end, true)
    if (row === null) return null
    const maxAttempts = row.max_attempts + (end.excused === true ? 1 : 0)
    const next = applyChange({ state: 'running', attempt: row.attempt, maxAttempts }, end.change)
    if (next === null) return null
    const job: UnsettledJob = {
      id: row.id,
      type: row.type,
      subject: row.subject,
      runId: row.run_id,
      payload: row.payload,
      attempt: row.attempt,
      maxAttempts,
      workerId: row.worker_id,
      error: encodeError(end.error),
    }
    if (next.state === 'queued') {
      await sql`
        update jobs
           set state = 'queued', max_attempts = ${maxAttempts}, worker_id = null, started_at = null, deadline_at = null,
               run_at = clock_timestamp() + ${end.delayMs ?? 0}::float8 * interval '1 ms',
               error = ${job.error}
         where id = ${row.id}::uuid`.execute(unit.trx)
      await owner?.attemptLost?.(unit, job, end.reason ?? 'lost')
      const { id, type, subject } = job
      const notice = { id, type, subject, delayMs: end.delayMs ?? 0 }
      unit.afterCommit(() => deps.wakeJobs([notice]))
    } else {
      await sql`
        update jobs
           set state = ${next.state}, finished_at = clock_timestamp(), error = ${job.error},
               result = ${encodeResult(end.result)}::jsonb
         where id = ${row.id}::uuid`.execute(unit.trx)
      const reason = end.change === 'lose' ? 'dead' : end.change === 'expire' ? 'expired' : 'failed'
      await owner?.ended?.(unit, job, reason)
    }
    unit.afterCommit(() => deps.figures?.attemptLost(row.type, whyOf(end), next.state === 'dead'))
    return { state: next.state }
  })
}

function whyOf({ change, reason = 'lost' }: AttemptEnd): LossReason | 'expired' {
  if (change === 'expire') return 'expired'
  return change === 'fail' ? 'failed' : reason
}

/** Ends one after another; one that rejects doesn't keep the others from ending. Rejects at the end if any did. */
export async function endEach<T>(
  attempts: readonly T[],
  signal: AbortSignal | undefined,
  end: (attempt: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  for (const attempt of attempts) {
    if (signal?.aborted === true) break
    await end(attempt).catch((error: unknown) => failures.push(error))
  }
  if (failures.length > 0) throw new AggregateError(failures, 'Some attempts could not be ended.')
}

async function readRunning(unit: UnitOfWork, end: AttemptEnd, lock: boolean) {
  const { rows } = await sql<RunningRow>`
    select id, type, subject, run_id, payload, attempt, max_attempts, worker_id from jobs
     where id = ${end.id}::uuid and attempt = ${end.attempt} and state = 'running'
       and worker_id = coalesce(${end.workerId ?? null}::uuid, worker_id)
       and (${end.change} <> 'expire' or deadline_at <= clock_timestamp())
     ${lock ? sql`for update` : sql``}`.execute(unit.trx)
  return rows[0] ?? null
}

interface RunningRow {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: unknown
  attempt: number
  max_attempts: number
  worker_id: string | null
}
