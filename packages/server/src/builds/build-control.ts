import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { ImageLogin } from '../ports/image-engine.ts'
import { beginBuild } from './begin-build.ts'
import type { BuildControl } from './build-work.ts'
import { completeBuild } from './complete-build.ts'
import type { BuildsDeps } from './deps.ts'
import { findUnneededImages } from './find-unneeded-images.ts'
import { createStepReports } from './report-step.ts'

/** What the worker of this process is given: the functions of this room. */
export function createBuildControl(deps: BuildsDeps): BuildControl {
  const steps = createStepReports(deps)
  return {
    beginBuild: (input) => beginBuild(deps, input),
    reportBuildStep: (input) => steps.report(input),
    openBuildRegistry: (input) => openBuildRegistry(deps, input),
    async completeBuild(input) {
      await completeBuild(deps, input)
      steps.forget(input.buildId)
    },
    findUnneededImages: (jobIds) => findUnneededImages(deps, jobIds),
  }
}

/**
 * The login that a build pushes with, told to whoever holds its job alone. A `resource_conflict` says that
 * it is another's by now, or that push_registry has not begun; other errors are why there is no login.
 */
async function openBuildRegistry(
  deps: Pick<BuildsDeps, 'db' | 'openRegistryLogin'>,
  input: { buildId: number; claim: JobClaim },
): Promise<ImageLogin | null> {
  const { buildId, claim } = input
  const { rows } = await sql<{ registryId: number | null }>`
    select b.registry_id as "registryId"
    from builds b
    join jobs j on j.id = b.job_id
    join build_steps s on s.build_id = b.id and s.key = 'push_registry' and s.status = 'running'
    where b.id = ${buildId} and b.status = 'running' and j.id = ${claim.id}::uuid
      and j.attempt = ${claim.attempt} and j.state = 'running'
      and j.worker_id = ${claim.workerId}::uuid`.execute(deps.db)
  const [build] = rows
  if (build === undefined) {
    throw new AppError('resource_conflict', 'The build is no longer this worker’s to push')
  }
  if (build.registryId === null) {
    throw new AppError('unavailable', 'The registry of this build has been deleted')
  }
  return deps.openRegistryLogin({ registryId: build.registryId })
}
