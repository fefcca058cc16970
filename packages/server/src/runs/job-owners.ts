import type { DiscoveryJob, TaskJob } from '@slipway/contract/jobs'
import type { EndReason, JobOwner, JobOwners, UnsettledJob } from '../jobs/index.ts'
import type { RunsDeps } from './deps.ts'
import { endLostDiscovery, endLostTask, recordLostAttempt } from './end-lost-work.ts'
import { lockRun } from './run-rows.ts'

/** What runs do when one of their jobs ends, or loses an attempt, without a report. */
export function runJobOwners(deps: RunsDeps): JobOwners {
  const lock: JobOwner['lock'] = async (unit, job) => {
    if (job.runId !== null) await lockRun(unit.trx, { run: job.runId })
  }
  const task: JobOwner = {
    lock,
    ended: async (unit, job, reason) =>
      endLostTask(deps, unit, { payload: job.payload as TaskJob, reason: explain(job, reason) }),
    attemptLost: async (unit, job) =>
      recordLostAttempt(unit, {
        payload: job.payload as TaskJob,
        reason: job.error ?? 'The worker was lost',
      }),
  }
  return {
    discovery: {
      lock,
      ended: async (unit, job, reason) =>
        endLostDiscovery(deps, unit, {
          payload: job.payload as DiscoveryJob,
          reason: explain(job, reason),
        }),
    },
    task,
    // A run's artifacts and releases are tasks of their own kind.
    artifact: task,
    release: task,
  }
}

function explain(job: UnsettledJob, reason: EndReason): string {
  const why = job.error ?? 'no reason is known'
  if (reason === 'expired') return 'it took too long'
  if (reason === 'dead') return `it was given up after ${job.attempt} attempts: ${why}`
  return why
}
