import type { Approval } from '@slipway/contract/approvals'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { type Environments, findRelease } from '../environments/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { judgedColumns, toGiven } from './approval-rows.ts'
import { countApprovers, stateOf } from './judge-approvals.ts'

/** Approvals of one release and environment that are looked at, the active ones first. */
const maxShown = 1000

/**
 * Where the approval of a release for an environment stands: the newest active approval, else the
 * newest of all, with how many count and how many are needed. `resource_not_found` where there is none.
 */
export async function getApproval(
  deps: { db: Kysely<Tables>; environments: Environments },
  input: { principal: Principal; releaseId: string; environment: string },
): Promise<Approval> {
  const { principal, releaseId, environment } = input
  const release = await findRelease(deps.db, { principal, releaseId })
  const now = new Date()
  const rows = await deps.db
    .selectFrom('approvals')
    .select([...judgedColumns, 'approver', 'justification', 'approved_at'])
    .where('release_id', '=', release.id)
    .where('environment', '=', environment)
    .orderBy(sql`revoked_at is null and expires_at > ${now}`, 'desc')
    .orderBy('approved_at', 'desc')
    .orderBy('id', 'desc')
    .limit(maxShown)
    .execute()
  const [row] = rows
  if (row === undefined) {
    throw new AppError('resource_not_found', `This release has no approval for ${environment}`)
  }
  // An environment that is no longer configured asks for nothing: nothing can be deployed to it.
  const policy =
    deps.environments.get(environment) === undefined
      ? undefined
      : deps.environments.policyFor(environment, release.environments)
  return {
    approval_id: row.id,
    approver: row.approver,
    approved_at: row.approved_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    status: stateOf(toGiven(row), now),
    justification: row.justification,
    release_id: row.release_id,
    environment,
    required: policy?.approval.required === true ? policy.approval.approvals : 0,
    given: policy === undefined ? 0 : countApprovers(policy, rows.map(toGiven), now),
  }
}
