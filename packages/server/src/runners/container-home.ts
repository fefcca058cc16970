import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { deferJob, type JobClaim } from '../jobs/index.ts'
import type { LockedDelegation } from './delegation-rows.ts'
import type { RunnersDeps } from './deps.ts'

/** Milliseconds for which a job waits for the worker whose machine its container may run on. */
const patienceMs = 120_000
/** Milliseconds until it is asked again whose it is; some more, so that it is not always the same one's turn. */
const againMs = 1_000

/** Where a container is looked for: `here` or `nowhere` yet, or on another machine. */
export type Whereabouts = 'here' | 'deferred' | 'lost'

/**
 * Looks whether the claim's worker can go on with a delegation: its container may have been started on another
 * machine, where nobody but a worker of that data directory finds it. The job is left to that one for a while;
 * afterwards it is lost, for to start it here would be to run it twice.
 */
export async function findHome(
  deps: Pick<RunnersDeps, 'wakeJobs'>,
  unit: UnitOfWork,
  input: { delegation: LockedDelegation; claim: JobClaim },
): Promise<Whereabouts> {
  const { delegation, claim } = input
  const { id } = delegation
  const { rows } = await sql<{ isElsewhere: boolean; soughtMs: number }>`
    update delegations as d
       set sought_at = case when d.home <> w.home then coalesce(d.sought_at, clock_timestamp()) end
      from workers as w
     where d.id = ${id}::uuid and w.id = ${claim.workerId}::uuid
    returning coalesce(d.home <> w.home, false) as "isElsewhere",
              coalesce(extract(epoch from clock_timestamp() - d.sought_at) * 1000, 0)::float8 as "soughtMs"`.execute(
    unit.trx,
  )
  const [found] = rows
  if (found?.isElsewhere !== true) return 'here'
  if (found.soughtMs > patienceMs) return 'lost'
  const delayMs = againMs * (1 + Math.random())
  await deferJob(deps, unit, { ...claim, delayMs })
  return 'deferred'
}

/** From now on its container may run on the machine of the claim's worker. */
export async function keepHome(
  unit: UnitOfWork,
  input: { delegationId: string; claim: JobClaim },
): Promise<void> {
  await sql`
    update delegations set home = (select home from workers where id = ${input.claim.workerId}::uuid)
     where id = ${input.delegationId}::uuid`.execute(unit.trx)
}

/** It does not run anywhere. */
export async function forgetHome(unit: UnitOfWork, delegationId: string): Promise<void> {
  await sql`
    update delegations set home = null, sought_at = null
     where id = ${delegationId}::uuid and started_at is null`.execute(unit.trx)
}
