import type { CreateApprovalRequest, CreateApprovalResponse } from '@slipway/contract/approvals'
import type { Transaction } from 'kysely'
import { v7 as uuid } from 'uuid'
import { personOf } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { transact } from '../db/unit-of-work.ts'
import { type EnvironmentPolicy, findRelease } from '../environments/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { ApprovalsDeps } from './deps.ts'

/**
 * Approves a release for an environment, for as long as the environment's policy says. Also where
 * no approval is needed: it is on record then. Refuses an unknown or hidden release
 * (`resource_not_found`), an unknown environment (`invalid_request`), roles that do not count
 * there (`authorization_failed`), and a second approval of one person while the first is active
 * (`resource_conflict`, with its id).
 */
export async function createApproval(
  deps: ApprovalsDeps,
  input: { principal: Principal; request: CreateApprovalRequest },
): Promise<CreateApprovalResponse> {
  const { principal, request } = input
  const { environment, justification } = request
  return transact(deps, async (unit) => {
    const { trx } = unit
    // Locked: of two approvals of one person at the same moment, the second one sees the first.
    const release = await findRelease(trx, {
      principal,
      releaseId: request.release_id,
      lock: true,
    })
    const policy = deps.environments.policyFor(environment, release.environments)
    requireRole(principal, policy)
    const { now } = unit
    await refuseSecond(trx, { principal, releaseId: release.id, environment, now })
    const approval = {
      id: uuid(),
      release_id: release.id,
      environment,
      approver: principal.name,
      approver_id: personOf(principal),
      roles: [...principal.roles],
      justification,
      approved_at: now,
      expires_at: new Date(now.getTime() + policy.approval.expiresMs),
    }
    await trx.insertInto('approvals').values(approval).execute()
    const expires_at = approval.expires_at.toISOString()
    unit.emit({
      type: 'approval.created',
      repository: release.repository,
      runId: release.runId,
      data: {
        approval_id: approval.id,
        release_id: release.id,
        repository: release.repository,
        project: release.project,
        environment,
        approver: approval.approver,
        expires_at,
      },
    })
    return {
      approval_id: approval.id,
      approver: approval.approver,
      approved_at: now.toISOString(),
      expires_at,
      status: 'active',
    }
  })
}

function requireRole(principal: Principal, policy: EnvironmentPolicy): void {
  const { roles } = policy.approval
  if (roles.some((role) => principal.roles.includes(role))) return
  const who = roles.length === 0 ? 'nobody may' : `it takes the role ${roles.join(' or ')}`
  throw new AppError('authorization_failed', `To approve for ${policy.name}, ${who}`, {
    environment: policy.name,
    reason: 'role_not_allowed',
    roles,
  })
}

async function refuseSecond(
  trx: Transaction<Tables>,
  input: { principal: Principal; releaseId: string; environment: string; now: Date },
): Promise<void> {
  const first = await trx
    .selectFrom('approvals')
    .select(['id', 'expires_at'])
    .where('release_id', '=', input.releaseId)
    .where('environment', '=', input.environment)
    .where('approver_id', '=', personOf(input.principal))
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', input.now)
    .limit(1)
    .executeTakeFirst()
  if (first === undefined) return
  throw new AppError(
    'resource_conflict',
    `You have approved this release for ${input.environment} already`,
    { approval_id: first.id, expires_at: first.expires_at.toISOString() },
  )
}
