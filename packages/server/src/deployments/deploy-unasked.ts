import { AppError } from '../errors.ts'
import { createDeployment } from './create-deployment.ts'
import type { DeploymentsDeps } from './deps.ts'

/** What became of an automatic deployment: `refused` for good, with the reason. */
export type UnaskedDeployment = { deploymentId: string } | { refused: string }

/**
 * Does an automatic deployment, in the name of whoever caused the release. One that was made before is
 * answered as it is. Rejects with what may pass: the repository is away, too many are under way.
 */
export async function deployUnasked(
  deps: DeploymentsDeps,
  input: { releaseId: string; environment: string },
): Promise<UnaskedDeployment> {
  const { releaseId, environment } = input
  const before = await deps.db
    .selectFrom('deployments')
    .select(['id', 'status'])
    .where('release_id', '=', releaseId)
    .where('environment', '=', environment)
    .where('automatic', '=', true)
    .executeTakeFirst()
  if (before !== undefined && before.status !== 'preparing') return { deploymentId: before.id }
  if (before !== undefined) throw new Error('this deployment is being prepared, or to be settled')
  try {
    const { id } = await createDeployment(deps, {
      principal: null,
      request: { release_id: releaseId, environment },
    })
    return { deploymentId: id }
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500 || error.code === 'limit_exceeded') {
      throw error
    }
    deps.log.warn(
      { release_id: releaseId, environment, reason: error.message },
      'an automatic deployment was refused',
    )
    return { refused: error.message }
  }
}
