import type { Build } from '@slipway/contract/builds'
import { transact } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { findBuild, lockVisibleBuild } from './build-rows.ts'
import { hasEnded } from './build-states.ts'
import { createWithin } from './create-build.ts'
import type { BuildsDeps } from './deps.ts'
import { executeWithin, notNow } from './execute-build.ts'
import { getBuild } from './get-build.ts'

/**
 * Makes a new build of what an ended one was asked for, and hands it to the workers. It is judged anew:
 * what has been archived or deleted meanwhile is refused as at a creation.
 */
export async function retryBuild(
  deps: Pick<BuildsDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'logs' | 'official' | 'limits'>,
  input: { principal: Principal; id: number },
): Promise<Build> {
  const { principal } = input
  const before = await findBuild(deps, input)
  if (!hasEnded(before.status)) throw notNow(`The pipeline run is still ${before.status}`, before)
  const wasOfficial = (before.repository_info as Build['repository_info']).id === null
  if (before.git_repository_id === null && !wasOfficial) {
    throw new AppError('resource_not_found', 'The repository of this pipeline run has been deleted')
  }
  const request = {
    steps_to_execute: before.steps_to_execute,
    git_repository_id: before.git_repository_id,
    output_type: before.output_type,
    registry_id: before.registry_id,
    branding_template_id: before.branding_template_id,
    configuration_id: before.configuration_id,
    ref: before.ref ?? undefined,
    image_name: before.image_name ?? undefined,
    image_tag: before.image_tag ?? undefined,
    build_args: before.build_args,
    platforms: before.platforms,
    custom_parameters: before.custom_parameters,
  }
  const id = await transact(deps, async (unit) => {
    const made = await createWithin(
      { ...deps, unit },
      { principal, request, problems: [], retryOf: before.id },
    )
    await executeWithin(
      { ...deps, unit },
      await lockVisibleBuild(unit.trx, { principal, id: made }),
    )
    return made
  })
  return getBuild(deps, { principal, id })
}
