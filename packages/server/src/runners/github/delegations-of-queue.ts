import { type RawBuilder, sql } from 'kysely'
import type { UnitOfWork } from '../../db/unit-of-work.ts'
import { hasEnded } from '../delegation-states.ts'
import type { DelegationRow } from '../delegation-rows.ts'
import { emitUpdate } from '../end-delegation.ts'
import type { KeptJob } from './queue-jobs.ts'

/** A delegation that was made of GitHub's queue; its row is locked. */
export interface QueueDelegation extends Pick<
  DelegationRow,
  'id' | 'repository' | 'status' | 'reason' | 'github_job_id' | 'completed_at'
> {
  /** Whether GitHub knows its runner: it may be given any job of these labels at any moment. */
  isRegistered: boolean
}

/** Those that were made for a job, oldest first. At most one of them has not ended. */
export function delegationsOfJob(unit: UnitOfWork, jobId: number): Promise<QueueDelegation[]> {
  return find(unit, sql`d.github_job_id = ${jobId}`)
}

/** The one whose runner is called so; null: it is none of ours. */
export async function delegationOfRunner(
  unit: UnitOfWork,
  input: { repository: string; runnerName: string },
): Promise<QueueDelegation | null> {
  const name = ownName(input.runnerName)
  if (name === null) return null
  const [found] = await find(
    unit,
    sql`d.definition #>> '{run,runnerName}' = ${name} and lower(d.repository) = lower(${input.repository})`,
  )
  return found ?? null
}

/** How a runner is called whose attempt this may be the runner of; null: it is none of ours. */
export function ownName(runnerName: string): string | null {
  return /^(slipway-.+-[0-9a-f]{12})(?:-[1-9]\d{0,4})?$/.exec(runnerName)?.[1] ?? null
}

export function isLive({ status }: Pick<QueueDelegation, 'status'>): boolean {
  return !hasEnded(status)
}

/**
 * Says of delegations which jobs they are for from now on: GitHub gives a runner any job whose labels it
 * has, whichever it was registered for. Null: none that is known.
 */
export async function assignJobs(
  unit: UnitOfWork,
  pairs: readonly { delegation: QueueDelegation; job: KeptJob | null }[],
): Promise<void> {
  // Two that exchange their jobs must not meet in between.
  await leaveJobs(unit, sql`id = any(${pairs.map(({ delegation }) => delegation.id)}::uuid[])`)
  for (const { delegation, job } of pairs) {
    const { id, repository, status, reason } = delegation
    if (job === null) {
      await sql`update delegations set github_job_id = null where id = ${id}`.execute(unit.trx)
      continue
    }
    const [jobRef, runId] = [String(job.id), String(job.runId)]
    await sql`
      update delegations d
      set job_ref = case when exists (
            -- One that has ended, or that somebody asked for by the API, keeps its name.
            select from delegations o
            where o.repository = d.repository and o.github_run_id = ${runId}
              and o.job_ref = ${jobRef} and o.run_attempt = ${job.attempt}
          ) then ${jobRef} || ' of ' || d.id else ${jobRef} end,
          github_job_id = ${job.id}, job_name = ${job.name}, github_run_id = ${runId},
          run_attempt = ${job.attempt}, workflow = ${job.workflow || null}, sha = ${job.sha || null},
          ref = ${job.branch || null}, event_name = ${job.event || null}, actor = ${job.actor || null},
          labels = ${job.labels}::text[], queued_at = ${job.queuedAt}
      where d.id = ${id}`.execute(unit.trx)
    emitUpdate(unit, { id, repository, jobRef, runId }, { status, reason })
  }
}

/** Those of a job that have ended without it keep it in name only: it is to be had again. */
export function releaseJob(unit: UnitOfWork, jobId: number): Promise<void> {
  return leaveJobs(
    unit,
    sql`source = 'queue' and github_job_id = ${jobId} and job_ref = ${String(jobId)}`,
  )
}

async function leaveJobs({ trx, now }: UnitOfWork, which: RawBuilder<unknown>): Promise<void> {
  await sql`
    update delegations
    set job_ref = regexp_replace(job_ref, ' .*', '') || ' before ' || id, updated_at = ${now}
    where ${which}`.execute(trx)
}

async function find(
  { trx }: UnitOfWork,
  condition: RawBuilder<unknown>,
): Promise<QueueDelegation[]> {
  const { rows } = await sql<QueueDelegation>`
    select d.id, d.repository, d.status, d.reason, d.github_job_id, d.completed_at,
           exists (select from runners r
                   where r.delegation_id = d.id and r.github_id is not null) as "isRegistered"
    from delegations d where d.source = 'queue' and ${condition}
    order by d.created_at, d.id limit 100 for update of d`.execute(trx)
  return rows
}
