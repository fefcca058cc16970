import type { EndReason, JobOwners, UnsettledJob } from '../jobs/index.ts'
import { type LockedDelegation, lockDelegation } from './delegation-rows.ts'
import { endDelegation } from './end-delegation.ts'

/**
 * What delegations do when their job ends without a report. A lost attempt leaves a delegation as it is:
 * the next one finds its container, or makes another.
 */
export function delegationJobOwners(): JobOwners {
  // The event of its end reaches the dispatch, wherever that is.
  const deps = { wakeDispatch() {} }
  return {
    delegation: {
      lock: async (unit, job) => void (await lockDelegation(unit.trx, { job: job.id })),
      async ended(unit, job, reason) {
        const delegation = await lockDelegation(unit.trx, { job: job.id })
        if (delegation === null) return
        const status = reason === 'cancelled' ? 'cancelled' : 'failed'
        await endDelegation(deps, unit, delegation, {
          status,
          reason: explain(delegation, job, reason),
        })
      },
    },
  }
}

function explain(
  delegation: LockedDelegation,
  job: UnsettledJob,
  reason: EndReason,
): string | null {
  if (reason === 'expired') return 'timeout'
  if (reason === 'dead') return delegation.startedAt === null ? job.error : 'lost'
  return job.error
}
