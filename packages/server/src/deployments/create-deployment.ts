import type {
  CreateDeploymentRequest,
  CreateDeploymentResponse,
} from '@slipway/contract/deployments'
import { v7 as uuid } from 'uuid'
import { correlate, inSpan } from '../correlation.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { commitDeployment } from './commit-deployment.ts'
import type { DeploymentsDeps } from './deps.ts'
import { GitOpsError } from './gitops/gitops-error.ts'
import { prepareDeployment } from './prepare-deployment.ts'

/**
 * Deploys a release: its commit is in the GitOps repository when this resolves. A commit that did not
 * get there is an `internal_error` that says why, and leaves nothing that anybody sees. See
 * `prepareDeployment` and `commitDeployment` for what is refused. `principal` null: the server does
 * it by itself, in the name of whoever caused the release.
 */
export async function createDeployment(
  deps: DeploymentsDeps,
  input: { principal: Principal | null; request: CreateDeploymentRequest },
): Promise<CreateDeploymentResponse> {
  const id = uuid()
  const { environment } = input.request
  const attributes = { 'slipway.deployment_id': id, 'slipway.environment': environment }
  return await correlate({ deployment_id: id }, () =>
    inSpan('deployment', { attributes }, () => deploy(deps, { ...input, id })),
  )
}

async function deploy(
  deps: DeploymentsDeps,
  input: { id: string; principal: Principal | null; request: CreateDeploymentRequest },
): Promise<CreateDeploymentResponse> {
  const { id, principal, request } = input
  const progress = { isSent: false }
  deps.inHand.add(id)
  try {
    const prepared = await prepareDeployment(deps, {
      id,
      principal,
      releaseId: request.release_id.toLowerCase(),
      environment: request.environment,
      approvalId: request.approval_id?.toLowerCase(),
    })
    const sha = await commitDeployment(deps, prepared, () => void (progress.isSent = true))
    return { id, deployment_id: id, gitops_commit_sha: sha, status: 'pending' }
  } catch (error) {
    const isOpen = progress.isSent && mayHaveArrived(error)
    if (isOpen)
      deps.log.warn({ err: error, deployment_id: id }, 'a deployment is left to be settled')
    else await withdraw(deps, id)
    throw error instanceof GitOpsError ? failure(deps, { error, id, isOpen }) : error
  } finally {
    deps.inHand.delete(id)
    // Whatever came of it: pending, or left over.
    deps.wakeDuties()
  }
}

/** Of what is no refusal, nobody knows how far it had come. */
function mayHaveArrived(error: unknown): boolean {
  if (error instanceof GitOpsError) return error.mayHaveArrived
  return !(error instanceof AppError)
}

/** Leaves it to the duty where the database is away. */
async function withdraw(deps: DeploymentsDeps, id: string): Promise<void> {
  try {
    await deps.db
      .deleteFrom('deployments')
      .where('id', '=', id)
      .where('status', '=', 'preparing')
      .execute()
  } catch (error) {
    deps.log.warn(
      { err: error, deployment_id: id },
      'a deployment that failed could not be withdrawn',
    )
  }
}

function failure(
  deps: DeploymentsDeps,
  { error, id, isOpen }: { error: GitOpsError; id: string; isOpen: boolean },
): AppError {
  if (!isOpen) deps.log.warn({ err: error, deployment_id: id }, 'a deployment failed')
  const what = isOpen
    ? 'It is not deployed, unless the commit turns out to have arrived.'
    : 'Nothing was deployed.'
  return new AppError('internal_error', `${error.message}. ${what}`, {
    reason: 'gitops_commit_failed',
    ...(isOpen ? { deployment_id: id } : {}),
  })
}
