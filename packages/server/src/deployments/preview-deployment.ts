import type {
  PreviewDeploymentRequest,
  PreviewDeploymentResponse,
} from '@slipway/contract/deployments'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { latestDeployment } from './commit-deployment.ts'
import type { DeploymentsDeps } from './deps.ts'
import { GitOpsError } from './gitops/gitops-error.ts'
import { deploymentPaths } from './manifests/deployment-paths.ts'
import { readsOf, renderDeployment } from './manifests/render-deployment.ts'
import { findRelease, toRelease } from './prepare-deployment.ts'

/** What a deployment is called that is not made. */
const noDeployment = '00000000-0000-0000-0000-000000000000'

/**
 * What deploying a release would change, on the newest commit of the GitOps repository; nothing is
 * stored. Refused as the deployment would be, but for approvals and limits.
 */
export async function previewDeployment(
  deps: DeploymentsDeps,
  input: { principal: Principal; request: PreviewDeploymentRequest },
): Promise<PreviewDeploymentResponse> {
  const { principal, request } = input
  const release = await deps.db.transaction().execute(async (trx) => {
    const row = await findRelease(trx, request.release_id.toLowerCase(), principal)
    const { repository, project } = row
    return { ...(await toRelease(trx, row)), repository, project }
  })
  deps.environments.require(request.environment)
  const place = { environment: request.environment, ...release }
  const paths = deploymentPaths(place)
  const latest = await latestDeployment(deps, place)
  const deployed = {
    ...place,
    release,
    deploymentId: noDeployment,
    deployedBy: principal.name,
    deployedAt: new Date(),
  }
  try {
    return await deps.gitops.exclusively(async (turn) => {
      let answer: PreviewDeploymentResponse | undefined
      await turn.commit({
        reads: readsOf(paths),
        fresh: true,
        async change({ sha, files: existing }) {
          const rendered = await renderDeployment(deployed, existing)
          answer = {
            gitops_commit_sha: sha,
            rollback: latest !== undefined && latest.release_number > release.number,
            files: [rendered.release, rendered.manifests].map(({ path, content }) => ({
              path,
              before: existing.get(path)?.toString('utf8') ?? null,
              after: content,
            })),
          }
          return null
        },
        prepared: async () => undefined,
      })
      if (answer === undefined) throw new GitOpsError('The GitOps repository could not be read')
      return answer
    })
  } catch (error) {
    if (!(error instanceof GitOpsError)) throw error
    throw new AppError('internal_error', error.message, { reason: 'gitops_unreadable' })
  }
}
