import { AppError } from '../errors.ts'
import type { DeploymentsDeps } from './deps.ts'
import { finishDeployment } from './finish-deployment.ts'
import { composeMessage } from './gitops/commit-message.ts'
import { GitOpsError } from './gitops/gitops-error.ts'
import type { GitOpsTurn } from './gitops/gitops-repository.ts'
import { type DeploymentPlace, deploymentPaths } from './manifests/deployment-paths.ts'
import { readsOf, renderDeployment } from './manifests/render-deployment.ts'
import type { PreparedDeployment } from './prepare-deployment.ts'
import { settleDeployment } from './settle-deployments.ts'

/** The deployment that a new one at its place follows. */
export interface LatestDeployment {
  id: string
  release_id: string
  release_number: number
  status: string
  failed_at: Date | null
}

/**
 * Puts a prepared deployment into the GitOps repository and makes it `pending`; answers the commit's
 * name. `sent` is called before the commit can be seen by anybody. Refused with `resource_conflict`:
 * what the newest deployment of the place has already, an overlay that cannot be applied, and an
 * automatic deployment of an older release. A commit that does not get through is a `GitOpsError`.
 */
export async function commitDeployment(
  deps: DeploymentsDeps,
  prepared: PreparedDeployment,
  sent: () => void,
): Promise<string> {
  return deps.gitops.exclusively(async (turn) => {
    await settleLeftovers(deps, turn, prepared)
    const latest = await latestDeployment(deps, prepared)
    const { release } = prepared
    const rollback = latest !== undefined && latest.release_number > release.number
    if (rollback && prepared.automatic) throw goesBack(prepared, latest)
    const deployedAt = new Date()
    const sha = await turn.commit({
      reads: readsOf(deploymentPaths(prepared)),
      async change({ files: existing }) {
        const rendered = await renderDeployment(
          { ...prepared, deploymentId: prepared.id, deployedAt },
          existing,
        )
        const { path, content } = rendered.manifests
        const isSame = existing.get(path)?.toString('utf8') === content
        if (isSame) refuseAgain(latest, prepared)
        return {
          files: [rendered.release, rendered.manifests],
          message: messageOf(prepared, rollback ? latest : undefined),
          at: deployedAt,
        }
      },
      async prepared(commit) {
        await markSent(deps, { id: prepared.id, commit, deployedAt, rollback })
        sent()
      },
    })
    if (sha === null) throw new GitOpsError('There was nothing to commit')
    await finishDeployment(deps, { id: prepared.id, sha })
    return sha
  })
}

/** What somebody who died, or was cut off, has left at this place comes before what is new. */
async function settleLeftovers(
  deps: DeploymentsDeps,
  turn: GitOpsTurn,
  place: DeploymentPlace & { id: string },
): Promise<void> {
  const left = await deps.db
    .selectFrom('deployments')
    .selectAll()
    .where('environment', '=', place.environment)
    .where('repository', '=', place.repository)
    .where('project', '=', place.project)
    .where('status', '=', 'preparing')
    .where('gitops_commit_sha', 'is not', null)
    .where('id', '<>', place.id)
    .orderBy('deployed_at')
    .limit(100)
    .execute()
  for (const row of left) await settleDeployment(deps, turn, row)
}

export async function latestDeployment(
  deps: Pick<DeploymentsDeps, 'db'>,
  place: DeploymentPlace,
): Promise<LatestDeployment | undefined> {
  return deps.db
    .selectFrom('deployments')
    .select(['id', 'release_id', 'release_number', 'status', 'failed_at'])
    .where('environment', '=', place.environment)
    .where('repository', '=', place.repository)
    .where('project', '=', place.project)
    .where('ordinal', 'is not', null)
    .orderBy('ordinal', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Says which commit is about to be sent: whoever finds the row later can ask whether it arrived. */
async function markSent(
  deps: DeploymentsDeps,
  mark: { id: string; commit: string; deployedAt: Date; rollback: boolean },
): Promise<void> {
  const { numUpdatedRows } = await deps.db
    .updateTable('deployments')
    .set({
      gitops_commit_sha: mark.commit,
      deployed_at: mark.deployedAt,
      rollback: mark.rollback,
    })
    .where('id', '=', mark.id)
    .where('status', '=', 'preparing')
    .executeTakeFirst()
  if (numUpdatedRows === 1n) return
  throw new GitOpsError('This server was taken for dead before the commit was made')
}

/** A failed one may be tried again; so may one whose manifests an overlay has changed since. */
function refuseAgain(latest: LatestDeployment | undefined, prepared: PreparedDeployment): void {
  if (latest?.release_id !== prepared.release.id || latest.failed_at !== null) return
  throw new AppError(
    'resource_conflict',
    `Release #${prepared.release.number} is ${latest.status} in ${prepared.environment} already, and nothing would change`,
    { deployment_id: latest.id },
  )
}

function goesBack(prepared: PreparedDeployment, latest: LatestDeployment): AppError {
  return new AppError(
    'resource_conflict',
    `${prepared.environment} has release #${latest.release_number} already: what is deployed automatically never goes back`,
    { deployment_id: latest.id },
  )
}

function messageOf(prepared: PreparedDeployment, from: LatestDeployment | undefined): string {
  const { environment, repository, project, release } = prepared
  const what = `${repository}/${project}`
  return composeMessage({
    subject:
      from === undefined
        ? `Deploy ${what} #${release.number} to ${environment}`
        : `Roll back ${what} in ${environment} from #${from.release_number} to #${release.number}`,
    trailers: {
      'Slipway-Deployment': prepared.id,
      'Slipway-Release': release.id,
      'Deployed-By': prepared.deployedBy,
    },
  })
}
