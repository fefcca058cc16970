import type {
  ApprovalStatus,
  ListApprovalsResponse,
  ListedApproval,
} from '@slipway/contract/approvals'
import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { stateOf } from './judge-approvals.ts'

export interface ListApprovalsInput {
  principal: Principal
  releaseId?: string | undefined
  environment?: string | undefined
  status?: ApprovalStatus | undefined
  limit: number
  offset: number
}

/** Approvals of the releases that the caller may see, newest first. What is hidden is as if it were not there. */
export async function listApprovals(
  deps: { db: Kysely<Tables> },
  input: ListApprovalsInput,
): Promise<ListApprovalsResponse> {
  const { principal, releaseId, environment, status, limit, offset } = input
  const now = new Date()
  const rows = await deps.db
    .selectFrom('approvals')
    .innerJoin('releases', 'releases.id', 'approvals.release_id')
    .select([
      'approvals.id',
      'release_id',
      'environment',
      'approver',
      'justification',
      'approved_at',
      'expires_at',
      'revoked_at',
      'revoked_by',
      'repository',
      'project',
      'release_number',
    ])
    .$if(principal.repositories !== null, (query) =>
      query.where('repository', '=', (expression) =>
        expression.fn.any(expression.val([...(principal.repositories ?? [])])),
      ),
    )
    .$if(releaseId !== undefined, (query) => query.where('release_id', '=', releaseId ?? ''))
    .$if(environment !== undefined, (query) => query.where('environment', '=', environment ?? ''))
    .$if(status === 'revoked', (query) => query.where('revoked_at', 'is not', null))
    .$if(status === 'active', (query) =>
      query.where('revoked_at', 'is', null).where('expires_at', '>', now),
    )
    .$if(status === 'expired', (query) =>
      query.where('revoked_at', 'is', null).where('expires_at', '<=', now),
    )
    .orderBy('approved_at', 'desc')
    .orderBy('approvals.id', 'desc')
    // One more tells whether there are more.
    .limit(limit + 1)
    .offset(offset)
    .execute()
  const approvals = rows.slice(0, limit).map((row): ListedApproval => ({
    approval_id: row.id,
    approver: row.approver,
    approved_at: row.approved_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    status: stateOf({ expiresAt: row.expires_at, revokedAt: row.revoked_at }, now),
    justification: row.justification,
    release_id: row.release_id,
    environment: row.environment,
    repository: row.repository,
    project: row.project,
    release_number: row.release_number,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    revoked_by: row.revoked_by,
  }))
  return { approvals, limit, offset, has_more: rows.length > limit }
}
