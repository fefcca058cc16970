import type { Role } from '@slipway/contract/access'
import type { EnvironmentPolicy } from '../environments/index.ts'

/** An approval as far as its judgement goes. */
export interface GivenApproval {
  id: string
  releaseId: string
  environment: string
  /** Stable id of the person; two approvals of one person count once. */
  approverId: string
  /** The approver's roles when the approval was given. */
  roles: readonly Role[]
  expiresAt: Date
  revokedAt: Date | null
}

/** Why a deployment is not approved. */
export type ApprovalRefusal =
  | { reason: 'missing' }
  | { reason: 'unknown' }
  | { reason: 'other_release' }
  | { reason: 'other_environment' }
  | { reason: 'revoked' }
  | { reason: 'expired' }
  | { reason: 'role_not_allowed' }
  | { reason: 'self_approval' }
  /** `missing` more people must approve; `ownIgnored`: the deployer's own approval was not counted. */
  | { reason: 'too_few'; given: number; missing: number; ownIgnored: boolean }

/** `approvalIds`: those that were counted, the named one first. */
export type ApprovalVerdict =
  | { allowed: true; approvalIds: string[] }
  | ({ allowed: false } & ApprovalRefusal)

export interface Judgement {
  policy: EnvironmentPolicy
  releaseId: string
  /** The approval that the deployer names, as its id leads to it; null: no such id; undefined: none is named. */
  named: GivenApproval | null | undefined
  /** Approvals of the same release and environment. Others are ignored. */
  given: readonly GivenApproval[]
  /** Null: nobody deploys, the server does it by itself. */
  deployerId: string | null
  now: Date
}

/**
 * Whether a deployment is approved. An approval that is named must hold, also where none is needed.
 * Where some are needed, they count by person: active ones, of people with a role that the policy
 * lets approve, without the deployer's own unless the policy counts it.
 */
export function judgeApprovals(judgement: Judgement): ApprovalVerdict {
  const { policy, named } = judgement
  if (named === undefined) {
    return policy.approval.required ? refuse({ reason: 'missing' }) : allow([])
  }
  if (named === null) return refuse({ reason: 'unknown' })
  const flaw = flawOf(named, judgement)
  if (flaw !== null) return refuse(flaw)
  if (!policy.approval.required) return allow([named.id])

  const counting = judgement.given.filter(
    (approval) => flawOf(approval, judgement) === null && !isSame(approval, named),
  )
  const counted = [named]
  for (const approval of counting) {
    if (counted.length === policy.approval.approvals) break
    if (!counted.some((other) => other.approverId === approval.approverId)) counted.push(approval)
  }
  const missing = policy.approval.approvals - counted.length
  if (missing <= 0) return allow(counted.map(({ id }) => id))
  const ownIgnored = judgement.given.some(
    (approval) => flawOf(approval, judgement)?.reason === 'self_approval',
  )
  return refuse({ reason: 'too_few', given: counted.length, missing, ownIgnored })
}

/** Different people whose approval counts at this moment, whoever deploys. */
export function countApprovers(
  policy: EnvironmentPolicy,
  given: readonly GivenApproval[],
  now: Date,
): number {
  const counting = given.filter(
    (approval) => stateOf(approval, now) === 'active' && isOfAllowedRole(approval, policy),
  )
  return new Set(counting.map(({ approverId }) => approverId)).size
}

/** What has become of an approval. */
export function stateOf(
  { expiresAt, revokedAt }: Pick<GivenApproval, 'expiresAt' | 'revokedAt'>,
  now: Date,
): 'active' | 'expired' | 'revoked' {
  if (revokedAt !== null) return 'revoked'
  return expiresAt > now ? 'active' : 'expired'
}

type Flaw = Exclude<ApprovalRefusal, { reason: 'missing' | 'unknown' | 'too_few' }>

function flawOf(
  approval: GivenApproval,
  { policy, releaseId, deployerId, now }: Judgement,
): Flaw | null {
  if (approval.releaseId !== releaseId) return { reason: 'other_release' }
  if (approval.environment !== policy.name) return { reason: 'other_environment' }
  const state = stateOf(approval, now)
  if (state !== 'active') return { reason: state }
  if (!policy.approval.required) return null
  if (!isOfAllowedRole(approval, policy)) return { reason: 'role_not_allowed' }
  const isOwn = approval.approverId === deployerId
  return isOwn && !policy.approval.selfApproval ? { reason: 'self_approval' } : null
}

function isOfAllowedRole(approval: GivenApproval, policy: EnvironmentPolicy): boolean {
  return approval.roles.some((role) => policy.approval.roles.some((allowed) => allowed === role))
}

function isSame(a: GivenApproval, b: GivenApproval): boolean {
  return a.id === b.id || a.approverId === b.approverId
}

function allow(approvalIds: string[]): ApprovalVerdict {
  return { allowed: true, approvalIds }
}

function refuse(refusal: ApprovalRefusal): ApprovalVerdict {
  return { allowed: false, ...refusal }
}
