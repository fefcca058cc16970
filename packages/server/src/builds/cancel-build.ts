import type { Build } from '@slipway/contract/builds'
import { transact } from '../db/unit-of-work.ts'
import { cancelJobs } from '../jobs/index.ts'
import type { Principal } from '../ports/identity.ts'
import { lockVisibleBuild } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'
import { endBuild } from './end-build.ts'
import { notNow } from './execute-build.ts'
import { getBuild } from './get-build.ts'

/**
 * Cancels a build that has not ended; its worker is told right after the commit. Cancelling a cancelled
 * build changes nothing; one that has ended otherwise is a `resource_conflict`.
 */
export async function cancelBuild(
  deps: Pick<BuildsDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'stopJobs' | 'logs'>,
  input: { principal: Principal; id: number },
): Promise<Build> {
  const { principal, id } = input
  await transact(deps, async (unit) => {
    const build = await lockVisibleBuild(unit.trx, input)
    const error = `Cancelled by ${principal.name}`
    const cancelled = await endBuild(unit, build, { status: 'failed', reason: 'cancelled', error })
    if (!cancelled) {
      const { failure_reason: reason } = await unit.trx
        .selectFrom('builds')
        .select('failure_reason')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      if (reason === 'cancelled') return
      throw notNow(`The pipeline run has already ended as ${build.status}`, build)
    }
    if (build.jobId === null) return
    const held = await cancelJobs({ unit, owners: {} }, { jobId: build.jobId, error })
    if (held.length > 0) unit.afterCommit(() => deps.stopJobs(held))
  })
  return getBuild(deps, { principal, id })
}
