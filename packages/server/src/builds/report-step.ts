import type { BuildStepKey, BuildStepStatus } from '@slipway/contract/builds'
import { transact } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import { requireClaim } from './begin-build.ts'
import { compareStep } from './build-states.ts'
import type { BuildsDeps } from './deps.ts'
import { writeStep } from './end-build.ts'

/** Milliseconds in which the progress of one build is spoken of once at most. */
const quietMs = 1_000

export interface StepReport {
  buildId: number
  claim: JobClaim
  step: BuildStepKey
  status: BuildStepStatus
  progress: number | null
  commitSha?: string
}

/**
 * Takes what a worker says of a step: states move forward only; what is said twice changes nothing.
 * Progress is written at once and spoken of once a second. A `resource_conflict` when the build is no
 * longer the worker's, or the report contradicts what is known.
 */
export function createStepReports(deps: Pick<BuildsDeps, 'db' | 'wakeEvents' | 'wakeJobs'>): {
  report(input: StepReport): Promise<void>
  forget(buildId: number): void
} {
  const spokenAt = new Map<number, number>()
  return {
    report: (input) =>
      transact(deps, async (unit) => {
        const build = await requireClaim(unit, input)
        const { step: key, status, progress, commitSha } = input
        const step = await unit.trx
          .selectFrom('build_steps')
          .select(['status', 'progress'])
          .where('build_id', '=', build.id)
          .where('key', '=', key)
          .executeTakeFirst()
        if (step === undefined) throw new AppError('resource_not_found', `The build has no ${key}`)
        const means = compareStep(step.status, status)
        if (means === 'contradiction') {
          throw new AppError('resource_conflict', `${key} is ${step.status}, and not ${status}`)
        }
        if (commitSha !== undefined) {
          await unit.trx
            .updateTable('builds')
            .set({ commit_sha: commitSha })
            .where('id', '=', build.id)
            .execute()
        }
        if (means === 'repeat' && (status !== 'running' || progress === step.progress)) return
        const last = spokenAt.get(build.id)
        const silent =
          means === 'repeat' && last !== undefined && performance.now() - last < quietMs
        if (!silent) spokenAt.set(build.id, performance.now())
        await writeStep(unit, build, { key, status, progress, silent })
      }),
    forget: (buildId) => void spokenAt.delete(buildId),
  }
}
