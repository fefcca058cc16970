import Type, { type Static } from 'typebox'
import { Text, Timestamp, Uuid } from './fields.ts'
import { PhaseStatus, RunStatus, WorkStatus } from './runs.ts'

// Source: API & Operations Reference, "Timeout Handling", "Result Handling" and "Argo Workflows". A run that
// an outside workflow orchestrates does nothing by itself: a step of the workflow dispatches each stage of it,
// and waits for the stage's end.

/** A part of a run that is started, and waited for, as one: its discovery, or the phases of one group. */
export const DispatchStage = Type.String({
  pattern: '^(discovery|group-[1-9][0-9]{0,8})$',
  description: 'discovery, or group-<n>: the phases of that group, and of those before it.',
})

export const CreateDispatchRequest = Type.Object(
  { stage: DispatchStage },
  { $id: 'CreateDispatchRequest', additionalProperties: false },
)
export type CreateDispatchRequest = Static<typeof CreateDispatchRequest>

/** How a stage stands. `cancelled`: its run was cancelled before the stage had ended. */
export const DispatchStatus = Type.Enum(['running', 'success', 'failed', 'cancelled'])
export type DispatchStatus = Static<typeof DispatchStatus>

/** A group of phases that has something to do, as discovery found it. */
export const DispatchGroup = Type.Object(
  {
    group: Type.Integer({ minimum: 1 }),
    stage: DispatchStage,
    phases: Type.Array(Type.String(), { description: 'Names of its phases.' }),
    tasks: Type.Integer({ minimum: 1 }),
    timeout_seconds: Type.Integer({ minimum: 1, description: 'The longest of its phases’.' }),
  },
  { $id: 'DispatchGroup' },
)
export type DispatchGroup = Static<typeof DispatchGroup>

const DispatchedTask = Type.Object({
  id: Uuid,
  project_name: Type.String(),
  status: WorkStatus,
  attempt: Type.Integer({ minimum: 0 }),
  error: Type.Optional(Type.String()),
})

/** What a stage came to. */
export const DispatchResult = Type.Object(
  {
    run_id: Uuid,
    stage: DispatchStage,
    status: Type.Enum(['success', 'failed', 'cancelled']),
    run_status: RunStatus,
    commit_sha: Type.String({ description: 'In full, once discovery has found it.' }),
    message: Type.Optional(Type.String({ description: 'Why, where it is not a success.' })),
    next: Type.Optional(
      Type.String({
        ...DispatchStage,
        description: 'Of a success: the stage that comes next; absent: it was the last one.',
      }),
    ),
    groups: Type.Optional(
      Type.Array(DispatchGroup, {
        description: 'Of discovery: what is to be dispatched next, in this order.',
      }),
    ),
    phases: Type.Optional(
      Type.Array(
        Type.Object({
          id: Uuid,
          name: Type.String(),
          status: PhaseStatus,
          tasks: Type.Array(DispatchedTask),
        }),
        { description: 'Of a group.' },
      ),
    ),
  },
  { $id: 'DispatchResult' },
)
export type DispatchResult = Static<typeof DispatchResult>

/** A result of more than 1 MB, which is in the object store. */
export const ResultReference = Type.Object(
  {
    key: Type.String({
      description: 'pipeline-runs/{run_id}/results/{job_type}/{job_id}.json in the object store.',
    }),
    url: Type.String({ description: 'Where it can be had, with the token of this request.' }),
    size_bytes: Type.Integer({ minimum: 1 }),
  },
  { $id: 'ResultReference' },
)

export const Dispatch = Type.Object(
  {
    id: Uuid,
    run_id: Uuid,
    stage: DispatchStage,
    status: DispatchStatus,
    created_at: Timestamp,
    timeout_seconds: Type.Integer({
      minimum: 1,
      description: 'For which nothing of the stage may begin or end before it is given up.',
    }),
    remaining_seconds: Type.Number({
      minimum: 0,
      description: 'What is left of it; 0 where the stage has ended or is to be given up.',
    }),
    result: Type.Optional(DispatchResult),
    result_reference: Type.Optional(ResultReference),
  },
  { $id: 'Dispatch' },
)
export type Dispatch = Static<typeof Dispatch>

export const GetDispatchQuery = Type.Object(
  {
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60,
        default: 0,
        description: 'Seconds for which the answer may wait for the end of the stage.',
      }),
    ),
  },
  { $id: 'GetDispatchQuery', additionalProperties: false },
)
export type GetDispatchQuery = Static<typeof GetDispatchQuery>

/** How the workflow ended, as its exit handler tells it in Argo Workflows' own words. */
export const ReportWorkflowRequest = Type.Object(
  {
    status: Type.Enum(['Succeeded', 'Failed', 'Error']),
    failures: Type.Optional(
      Type.Array(
        Type.Object(
          { step: Text({ maxLength: 500 }), message: Text({ maxLength: 2_000 }) },
          { additionalProperties: false },
        ),
        { maxItems: 50, description: 'Steps of the workflow that failed, and why.' },
      ),
    ),
  },
  { $id: 'ReportWorkflowRequest', additionalProperties: false },
)
export type ReportWorkflowRequest = Static<typeof ReportWorkflowRequest>

export const ReportWorkflowResponse = Type.Object(
  { run_id: Uuid, run_status: RunStatus },
  { $id: 'ReportWorkflowResponse' },
)
export type ReportWorkflowResponse = Static<typeof ReportWorkflowResponse>
