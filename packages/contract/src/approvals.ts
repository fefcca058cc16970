import Type, { type Static } from 'typebox'
import { EnvironmentName } from './environments.ts'
import { Text, Timestamp, Uuid } from './fields.ts'

// Source of every shape here: API & Operations Reference, "Approval APIs".

export const ApprovalStatus = Type.Enum(['active', 'expired', 'revoked'])
export type ApprovalStatus = Static<typeof ApprovalStatus>

export const CreateApprovalRequest = Type.Object(
  {
    release_id: Uuid,
    environment: EnvironmentName,
    justification: Text({ minLength: 1, maxLength: 4000, description: 'Why, for the record.' }),
  },
  { $id: 'CreateApprovalRequest', additionalProperties: false },
)
export type CreateApprovalRequest = Static<typeof CreateApprovalRequest>

export const CreateApprovalResponse = Type.Object(
  {
    approval_id: Uuid,
    approver: Type.String(),
    approved_at: Timestamp,
    expires_at: Timestamp,
    status: ApprovalStatus,
  },
  { $id: 'CreateApprovalResponse' },
)
export type CreateApprovalResponse = Static<typeof CreateApprovalResponse>

/** The newest active approval, else the newest of all, and how many the policy still wants. */
export const Approval = Type.Object(
  {
    approval_id: Uuid,
    approver: Type.String(),
    approved_at: Timestamp,
    expires_at: Timestamp,
    status: ApprovalStatus,
    justification: Type.String(),
    release_id: Uuid,
    environment: Type.String(),
    required: Type.Integer({ minimum: 0, description: 'Approvals that the policy asks for.' }),
    given: Type.Integer({ minimum: 0, description: 'Different people whose approval is active.' }),
  },
  { $id: 'Approval' },
)
export type Approval = Static<typeof Approval>

export const ApprovalParams = Type.Object({ 'release-id': Uuid, environment: EnvironmentName })
