import type { ReleaseTriggerType } from '@slipway/contract/releases'
import { compileBranchGlob } from '@slipway/forge'
import type { EnvironmentPolicy, EnvironmentTrigger } from '../config/environments.ts'

const triggerOf: Readonly<Record<ReleaseTriggerType, EnvironmentTrigger>> = {
  branch_push: 'branch',
  tag: 'tag',
  manual: 'manual',
}

/**
 * Whether a new release is deployed without anybody asking. Never where an approval is needed.
 * Tags are on no branch, so `branches` says nothing of them; a release whose branch nobody knows
 * passes only where every branch does.
 */
export function mayDeployAutomatically(
  policy: EnvironmentPolicy,
  release: { triggerType: ReleaseTriggerType; branch: string | null },
): boolean {
  if (!policy.autoDeploy || policy.approval.required) return false
  if (!policy.triggers.includes(triggerOf[release.triggerType])) return false
  if (release.triggerType === 'tag') return true
  return [policy.branches, policy.repositoryBranches ?? ['**']].every((globs) =>
    globs.some((glob) =>
      release.branch === null ? glob === '**' : compileBranchGlob(glob)(release.branch),
    ),
  )
}
