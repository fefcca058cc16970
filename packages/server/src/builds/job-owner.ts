import type { BuildFailureReason } from '@slipway/contract/builds'
import type { EndReason, JobOwners, UnsettledJob } from '../jobs/index.ts'
import { lockBuild } from './build-rows.ts'
import { endBuild } from './end-build.ts'

const failureReasons: Readonly<Record<EndReason, BuildFailureReason>> = {
  failed: 'step_failed',
  dead: 'interrupted',
  expired: 'timeout',
  cancelled: 'cancelled',
}

/** What builds do when their job ends without a report. A lost attempt leaves a build running: another follows. */
export function buildJobOwners(): JobOwners {
  return {
    build: {
      lock: async (unit, job) => void (await lockBuild(unit.trx, { job: job.id })),
      async ended(unit, job, reason) {
        const build = await lockBuild(unit.trx, { job: job.id })
        if (build === null) return
        const error = explain(job, reason)
        await endBuild(unit, build, { status: 'failed', reason: failureReasons[reason], error })
      },
    },
  }
}

function explain(job: UnsettledJob, reason: EndReason): string {
  const why = job.error ?? 'No reason is known'
  if (reason === 'expired') return 'It took longer than its steps may take together'
  if (reason === 'dead') return `It was given up after ${job.attempt} attempts: ${why}`
  return why
}
