import type { Role } from '@slipway/contract/access'
import type { GivenApproval } from './judge-approvals.ts'

/** Columns that a judgement needs. */
export const judgedColumns = [
  'id',
  'release_id',
  'environment',
  'approver_id',
  'roles',
  'expires_at',
  'revoked_at',
] as const

interface JudgedRow {
  id: string
  release_id: string
  environment: string
  approver_id: string
  roles: string[]
  expires_at: Date
  revoked_at: Date | null
}

export function toGiven(row: JudgedRow): GivenApproval {
  return {
    id: row.id,
    releaseId: row.release_id,
    environment: row.environment,
    approverId: row.approver_id,
    roles: row.roles as Role[],
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}
