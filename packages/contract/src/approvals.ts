import Type, { type Static } from 'typebox'
import { EnvironmentName } from './environments.ts'
import { Limit, NullableTimestamp, Offset, Text, Timestamp, Uuid } from './fields.ts'

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

const approvalFields = {
  approval_id: Uuid,
  approver: Type.String(),
  approved_at: Timestamp,
  expires_at: Timestamp,
  status: ApprovalStatus,
  justification: Type.String(),
  release_id: Uuid,
  environment: Type.String(),
}

/** The newest active approval, else the newest of all, and how many the policy still wants. */
export const Approval = Type.Object(
  {
    ...approvalFields,
    required: Type.Integer({
      minimum: 0,
      description: 'Approvals of different people that the policy asks for; 0: none is needed.',
    }),
    given: Type.Integer({
      minimum: 0,
      description: 'Different people whose approval is active and counts by the policy.',
    }),
  },
  { $id: 'Approval' },
)
export type Approval = Static<typeof Approval>

export const ApprovalParams = Type.Object({ release_id: Uuid, environment: EnvironmentName })
export type ApprovalParams = Static<typeof ApprovalParams>

// Ours: all approvals, whoever gave them.

export const ListedApproval = Type.Object(
  {
    ...approvalFields,
    repository: Type.String(),
    project: Type.String(),
    release_number: Type.Integer({ minimum: 1 }),
    revoked_at: NullableTimestamp,
    revoked_by: Type.Union([Type.String(), Type.Null()]),
  },
  { $id: 'ListedApproval' },
)
export type ListedApproval = Static<typeof ListedApproval>

export const ListApprovalsQuery = Type.Object(
  {
    release_id: Type.Optional(Uuid),
    environment: Type.Optional(EnvironmentName),
    status: Type.Optional(ApprovalStatus),
    limit: Type.Optional(Limit),
    offset: Type.Optional(Offset),
  },
  { $id: 'ListApprovalsQuery', additionalProperties: false },
)
export type ListApprovalsQuery = Static<typeof ListApprovalsQuery>

export const ListApprovalsResponse = Type.Object(
  {
    approvals: Type.Array(ListedApproval),
    limit: Type.Integer(),
    offset: Type.Integer(),
    has_more: Type.Boolean({ description: 'Whether there are older ones.' }),
  },
  { $id: 'ListApprovalsResponse' },
)
export type ListApprovalsResponse = Static<typeof ListApprovalsResponse>
