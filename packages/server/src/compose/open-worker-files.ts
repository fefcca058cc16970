import type { Kysely } from 'kysely'
import { findBuildLogJob, readsAsset } from '../builds/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { WorkerLogRoutesDeps } from '../http/platform/routes/worker-logs.ts'
import type { WorkerObjectRoutesDeps } from '../http/platform/routes/worker-objects.ts'
import { hasWorkedOn, mayTouchObject } from '../jobs/index.ts'
import { findDelegationLogJob } from '../runners/index.ts'
import { findStepLogJob } from '../runs/index.ts'

/** Whose logs and objects are whose, for workers of other machines. */
export function openWorkerFiles(opened: {
  db: Kysely<Tables>
}): Pick<WorkerLogRoutesDeps, 'writesLog'> &
  Pick<WorkerObjectRoutesDeps, 'touchesObject' | 'readsObject'> {
  const finders = [findStepLogJob, findBuildLogJob, findDelegationLogJob]
  return {
    async writesLog({ workerId, key }) {
      for (const find of finders) {
        const jobId = await find(opened, key)
        if (jobId !== null) return hasWorkedOn(opened, { jobId, workerId })
      }
      return false
    },
    touchesObject: (input) => mayTouchObject(opened, input),
    readsObject: (input) => readsAsset(opened, input),
  }
}
