import { canSee, personOf } from '../access/index.ts'
import { transact } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { approvalNotFound } from './check-approvals.ts'
import type { ApprovalsDeps } from './deps.ts'
import { stateOf } from './judge-approvals.ts'

/**
 * Takes an approval back: its approver may, operators and administrators may any. What was deployed
 * by it stays deployed. Repeating it changes nothing; an expired one is a `resource_conflict`.
 */
export async function revokeApproval(
  deps: ApprovalsDeps,
  input: { principal: Principal; id: string },
): Promise<void> {
  const { principal, id } = input
  await transact(deps, async (unit) => {
    const row = await unit.trx
      .selectFrom('approvals')
      .innerJoin('releases', 'releases.id', 'approvals.release_id')
      .select([
        'approvals.id',
        'release_id',
        'environment',
        'approver_id',
        'expires_at',
        'revoked_at',
        'repository',
        'project',
        'run_id',
      ])
      .where('approvals.id', '=', id)
      .forUpdate('approvals')
      .executeTakeFirst()
    if (row === undefined || !canSee(principal, row.repository)) throw approvalNotFound(id)
    requireRight(principal, row.approver_id)
    const state = stateOf({ expiresAt: row.expires_at, revokedAt: row.revoked_at }, unit.now)
    if (state === 'revoked') return
    if (state === 'expired') {
      throw new AppError('resource_conflict', 'This approval has already expired', {
        status: state,
        expires_at: row.expires_at.toISOString(),
      })
    }
    await unit.trx
      .updateTable('approvals')
      .set({ revoked_at: unit.now, revoked_by: principal.name })
      .where('id', '=', row.id)
      .execute()
    unit.emit({
      type: 'approval.revoked',
      repository: row.repository,
      runId: row.run_id,
      data: {
        approval_id: row.id,
        release_id: row.release_id,
        repository: row.repository,
        project: row.project,
        environment: row.environment,
        revoked_by: principal.name,
      },
    })
  })
}

function requireRight(principal: Principal, approverId: string): void {
  if (personOf(principal) === approverId) return
  if (principal.roles.includes('operator') || principal.roles.includes('admin')) return
  throw new AppError(
    'authorization_failed',
    'Others’ approvals are revoked by the roles operator and admin only',
    { reason: 'not_yours', roles: ['operator', 'admin'] },
  )
}
