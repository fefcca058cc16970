import type { Deployment, UpdateDeploymentStatusRequest } from '@slipway/contract/deployments'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { activateDeployment } from './activate-deployment.ts'
import { judgeReport } from './deployment-states.ts'
import type { DeploymentsDeps } from './deps.ts'
import { failDeployment } from './fail-deployment.ts'
import { getDeployment } from './get-deployment.ts'

/**
 * Takes the word of whoever applies the manifests, where the server's reconciler is `callback`. The
 * same report again changes nothing; one that contradicts what is known is a `resource_conflict`.
 */
export async function reportDeployment(
  deps: DeploymentsDeps,
  input: { principal: Principal; id: string; report: UpdateDeploymentStatusRequest },
): Promise<Deployment> {
  const { principal, id, report } = input
  const found = await getDeployment(deps, { principal, id })
  if (deps.reconcilerName !== 'callback') {
    throw new AppError(
      'resource_conflict',
      `This server finds out by itself what is reconciled (GITOPS_RECONCILER=${deps.reconcilerName})`,
      { reconciler: deps.reconcilerName },
    )
  }
  const effect = judgeReport(
    {
      status: found.status,
      failed: found.failed_at !== null,
      wasActive: found.activated_at !== null,
    },
    report.status,
  )
  if (effect === 'contradiction') {
    throw new AppError(
      'resource_conflict',
      `The deployment is ${found.status}, and cannot become ${report.status}`,
      { status: found.status },
    )
  }
  if (effect === 'activate') await activateDeployment(deps, { id })
  if (effect === 'fail') {
    const reason = report.reason?.trim() || 'It was reported as failed, without a reason.'
    await failDeployment(deps, { id, reason })
  }
  return effect === 'repeat' ? found : getDeployment(deps, { principal, id })
}
