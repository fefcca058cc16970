// The room of approvals: who said that a release may go to an environment.
export { checkApprovals, type CheckApprovalsInput } from './check-approvals.ts'
