import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { RunnersDeps } from './deps.ts'
import { findRunner } from './list-runners.ts'

/**
 * Takes a runner out of the list; one that GitHub lists is removed there, too. A proxy that is still there
 * comes back with its next heartbeat. An ephemeral runner goes with its job: a `resource_conflict`.
 */
export async function deleteRunner(
  deps: Pick<RunnersDeps, 'db' | 'removeGithubRunner'>,
  input: { principal: Principal; id: string },
): Promise<void> {
  const { id, type, repository, github_id: githubId, delegation_id } = await findRunner(deps, input)
  if (type === 'ephemeral' && delegation_id !== null) {
    throw new AppError(
      'resource_conflict',
      `The runner ends with its job: cancel the job ${delegation_id}`,
    )
  }
  if (githubId !== null && repository !== null && deps.removeGithubRunner !== null) {
    await deps.removeGithubRunner({ repository, githubId })
  }
  await deps.db.deleteFrom('runners').where('id', '=', id).execute()
}
