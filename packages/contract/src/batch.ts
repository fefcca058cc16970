import Type, { type Static, type TSchema } from 'typebox'
import { CreateApprovalResponse } from './approvals.ts'
import { CreateDeploymentResponse } from './deployments.ts'
import { EnvironmentName } from './environments.ts'
import { Text, Uuid } from './fields.ts'
import { maxBatchItems } from './vocabulary.ts'

// Ours ("Future Considerations: Batch Operations"): many calls in one. Each item is judged by itself,
// by the same rules and rights as the single call; one that fails does not stop the others.

const Ids = (what: string) =>
  Type.Array(Uuid, {
    minItems: 1,
    maxItems: maxBatchItems,
    uniqueItems: true,
    description: `1 to ${maxBatchItems} different ids of ${what}.`,
  })

export const BatchCancelRequest = Type.Object(
  { run_ids: Ids('runs') },
  { $id: 'BatchCancelRequest', additionalProperties: false },
)
export type BatchCancelRequest = Static<typeof BatchCancelRequest>

export const BatchApproveRequest = Type.Object(
  {
    release_ids: Ids('releases'),
    environment: EnvironmentName,
    justification: Text({ minLength: 1, maxLength: 4000, description: 'Why, for the record.' }),
  },
  { $id: 'BatchApproveRequest', additionalProperties: false },
)
export type BatchApproveRequest = Static<typeof BatchApproveRequest>

export const BatchPromoteRequest = Type.Object(
  {
    release_ids: Ids('releases'),
    environment: EnvironmentName,
    approval_ids: Type.Optional(
      Type.Record(Type.String(), Uuid, {
        maxProperties: maxBatchItems,
        description: 'Where approvals are needed: the id of one, by the id of its release.',
      }),
    ),
  },
  { $id: 'BatchPromoteRequest', additionalProperties: false },
)
export type BatchPromoteRequest = Static<typeof BatchPromoteRequest>

const BatchError = Type.Object(
  {
    code: Type.String({ description: 'As in the error body of the single call.' }),
    message: Type.String(),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { $id: 'BatchError' },
)

const itemFields = {
  id: Uuid,
  status: Type.Integer({ description: 'HTTP status that the single call would have answered.' }),
  error: Type.Optional(BatchError),
}
const counts = {
  succeeded: Type.Integer({ minimum: 0 }),
  failed: Type.Integer({ minimum: 0 }),
}

const itemWith = <Result extends TSchema>(result: Result) =>
  Type.Object({ ...itemFields, result: Type.Optional(result) })

/** Items in the order of the request. */
export const BatchCancelResponse = Type.Object(
  { results: Type.Array(Type.Object(itemFields)), ...counts },
  { $id: 'BatchCancelResponse' },
)
export type BatchCancelResponse = Static<typeof BatchCancelResponse>

/** Items in the order of the request. */
export const BatchApproveResponse = Type.Object(
  { results: Type.Array(itemWith(CreateApprovalResponse)), ...counts },
  { $id: 'BatchApproveResponse' },
)
export type BatchApproveResponse = Static<typeof BatchApproveResponse>

/** Items in the order of the request. */
export const BatchPromoteResponse = Type.Object(
  { results: Type.Array(itemWith(CreateDeploymentResponse)), ...counts },
  { $id: 'BatchPromoteResponse' },
)
export type BatchPromoteResponse = Static<typeof BatchPromoteResponse>
