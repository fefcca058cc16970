import type { Transaction } from 'kysely'
import { canSee, personOf } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { EnvironmentPolicy } from '../environments/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { judgedColumns, toGiven } from './approval-rows.ts'
import { type ApprovalRefusal, type GivenApproval, judgeApprovals } from './judge-approvals.ts'

/** Active approvals of one release and environment that are looked at; a person has one of them. */
const maxJudged = 1000

export interface CheckApprovalsInput {
  release: { id: string }
  /** What holds for this release in the environment, tightened by its `.forge`. */
  policy: EnvironmentPolicy
  approvalId: string | undefined
  /** Null: nobody deploys, the server does it by itself. */
  deployer: Principal | null
}

/**
 * Lets a deployment pass, and answers the ids of the approvals that were counted for it (none where
 * none is needed or named), or refuses: `invalid_request` where one is needed and none is named,
 * `resource_not_found` for an id that does not exist for the deployer, `authorization_failed` with a
 * `reason` in `details` for one that does not hold or does not suffice.
 *
 * The counted rows are locked until `trx` ends, so that a revocation at the same moment comes
 * either before, and is seen, or after the deployment.
 */
export async function checkApprovals(
  trx: Transaction<Tables>,
  input: CheckApprovalsInput,
): Promise<string[]> {
  const { policy, release, approvalId, deployer } = input
  const named = approvalId === undefined ? undefined : await lockNamed(trx, approvalId, deployer)
  const given =
    policy.approval.required && named ? await lockActive(trx, release.id, policy.name) : []
  const verdict = judgeApprovals({
    policy,
    releaseId: release.id,
    named,
    given,
    deployerId: deployer === null ? null : personOf(deployer),
    // Behind the locks: waiting for them may have taken an approval past its end.
    now: new Date(),
  })
  if (verdict.allowed) return verdict.approvalIds
  throw toError(verdict, input)
}

/** Null where there is none, or it is of a repository that the deployer cannot see. */
async function lockNamed(
  trx: Transaction<Tables>,
  id: string,
  deployer: Principal | null,
): Promise<GivenApproval | null> {
  const row = await trx
    .selectFrom('approvals')
    .innerJoin('releases', 'releases.id', 'approvals.release_id')
    .select([...judgedColumns.map((column) => `approvals.${column}` as const), 'repository'])
    .where('approvals.id', '=', id)
    .forShare('approvals')
    .executeTakeFirst()
  if (row === undefined) return null
  return deployer === null || canSee(deployer, row.repository) ? toGiven(row) : null
}

async function lockActive(
  trx: Transaction<Tables>,
  releaseId: string,
  environment: string,
): Promise<GivenApproval[]> {
  const rows = await trx
    .selectFrom('approvals')
    .select(judgedColumns)
    .where('release_id', '=', releaseId)
    .where('environment', '=', environment)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', new Date())
    .orderBy('id')
    .limit(maxJudged)
    .forShare()
    .execute()
  return rows.map(toGiven)
}

function toError(refusal: ApprovalRefusal, input: CheckApprovalsInput): AppError {
  const { policy, approvalId } = input
  const { approvals, roles } = policy.approval
  const details = { environment: policy.name, approval_id: approvalId, reason: refusal.reason }
  const forbidden = (message: string, more: Record<string, unknown> = {}) =>
    new AppError('authorization_failed', message, { ...details, ...more })
  switch (refusal.reason) {
    case 'missing':
      return new AppError(
        'invalid_request',
        `Deploying to ${policy.name} needs an approval: say which in approval_id`,
        {
          environment: policy.name,
          reason: 'missing',
          required: approvals,
          roles,
          problems: [{ path: '/approval_id', message: 'is missing' }],
        },
      )
    case 'unknown':
      return approvalNotFound(approvalId ?? '')
    case 'other_release':
      return forbidden('This approval is for another release')
    case 'other_environment':
      return forbidden(`This approval is for another environment than ${policy.name}`)
    case 'revoked':
      return forbidden('This approval has been revoked')
    case 'expired':
      return forbidden('This approval has expired')
    case 'role_not_allowed':
      return forbidden(
        `This approval is of somebody whose role does not count for ${policy.name}: ${rolesText(roles)}`,
        { roles },
      )
    case 'self_approval':
      return forbidden(`Whoever deploys to ${policy.name} may not have approved it themselves`)
    case 'too_few': {
      const { given, missing, ownIgnored } = refusal
      const own = ownIgnored ? '; your own does not count' : ''
      return forbidden(
        `${policy.name} needs the approval of ${approvals} different people, and ${missing} ${missing === 1 ? 'is' : 'are'} missing${own}`,
        { required: approvals, given, missing },
      )
    }
  }
}

function rolesText(roles: readonly string[]): string {
  return roles.length === 0 ? 'nobody’s does' : `it takes ${roles.join(' or ')}`
}

export function approvalNotFound(id: string): AppError {
  return new AppError('resource_not_found', `There is no approval ${id}`)
}
