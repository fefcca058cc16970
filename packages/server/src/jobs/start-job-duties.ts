import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'
import type { KeptTimes } from '../retention/index.ts'
import { archiveJobs, dropJobHistory } from './archive-jobs.ts'
import { expireJobs } from './expire-jobs.ts'
import type { LedgerDeps } from './job-owners.ts'
import { heartbeatMs } from './liveness.ts'
import { releaseSilentWorkers } from './release-workers.ts'

export interface JobDutiesOptions {
  /** Tells the holders of jobs that were taken from them: `bus.cancel`. */
  stopJobs: (jobIds: readonly string[]) => void
  /** Milliseconds that an ended job stays in the ledger. Default five minutes. */
  archiveAfterMs?: number
  /** For how long ended jobs are kept in the history; none: for ever. */
  retention?: KeptTimes
}

const archiveBatch = 2000
const dayMs = 86_400_000

/**
 * Starts the duties that keep the ledger true: deadlines, silent workers, history. A deadline fires at
 * its moment: the duty sleeps until the next one, but no longer than it takes to learn of a nearer.
 */
export function startJobDuties(
  deps: LedgerDeps & DutyDeps,
  options: JobDutiesOptions,
): { close(): Promise<void> } {
  const duties: Duty[] = [
    startDuty(deps, {
      name: 'job-deadlines',
      everyMs: 5000,
      async run(signal) {
        const { expired, nextInMs } = await expireJobs(deps, { signal })
        if (expired.length > 0) options.stopJobs(expired)
        return nextInMs ?? undefined
      },
    }),
    startDuty(deps, {
      name: 'job-workers',
      everyMs: heartbeatMs,
      run: async (signal) => void (await releaseSilentWorkers(deps, { signal })),
    }),
    startDuty(deps, {
      name: 'job-archive',
      everyMs: 60_000,
      async run() {
        const olderThanMs = options.archiveAfterMs ?? 300_000
        const moved = await archiveJobs(deps, { olderThanMs, limit: archiveBatch })
        return moved === archiveBatch ? 0 : undefined
      },
    }),
    startDuty(deps, {
      name: 'job-history',
      everyMs: 3_600_000,
      run: async () => {
        const { retention } = options
        if (retention === undefined) return
        const retentionDays = Math.ceil((await retention.read()).jobs / dayMs)
        const { removed } = await dropJobHistory(deps, { retentionDays })
        await retention.note('jobs', removed)
      },
    }),
  ]
  return {
    async close() {
      await Promise.all(duties.map((duty) => duty.close()))
    },
  }
}
