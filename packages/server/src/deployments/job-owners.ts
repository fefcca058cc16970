import type { Log } from '../db/log.ts'
import type { JobOwners } from '../jobs/index.ts'

/** What is done about a deployment job that came to nothing: there is no deployment, so the log says it. */
export function deploymentJobOwners(log: Pick<Log, 'warn'>): JobOwners {
  return {
    deployment: {
      ended: async (unit, job, reason) => {
        unit.afterCommit(() =>
          log.warn(
            { job_id: job.id, payload: job.payload, reason, error: job.error },
            'an automatic deployment was given up',
          ),
        )
      },
    },
  }
}
