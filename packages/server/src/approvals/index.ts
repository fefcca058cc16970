// The room of approvals: who said that a release may go to an environment.
export { checkApprovals, type CheckApprovalsInput } from './check-approvals.ts'
export { createApproval } from './create-approval.ts'
export type { ApprovalsDeps } from './deps.ts'
export { getApproval } from './get-approval.ts'
export { countApprovers, type GivenApproval } from './judge-approvals.ts'
export { listApprovals } from './list-approvals.ts'
export { revokeApproval } from './revoke-approval.ts'
