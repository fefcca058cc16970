import Type, { type Static } from 'typebox'
import {
  CommitSha,
  Limit,
  NullableTimestamp,
  Offset,
  RefName,
  RepositoryName,
  Text,
  Timestamp,
  Uuid,
} from './fields.ts'

// Source of every shape here: API & Operations Reference, "Pipeline APIs".

export const TriggerType = Type.Enum(['push', 'pull_request', 'manual'])
export type TriggerType = Static<typeof TriggerType>

export const RunStatus = Type.Enum(['pending', 'running', 'success', 'failed', 'cancelled'])
export type RunStatus = Static<typeof RunStatus>

export const PhaseStatus = Type.Enum(['pending', 'running', 'success', 'failed', 'skipped'])
export type PhaseStatus = Static<typeof PhaseStatus>

/** Status of a task and of a step: the document gives both the same four words. */
export const WorkStatus = Type.Enum(['pending', 'running', 'success', 'failed'])
export type WorkStatus = Static<typeof WorkStatus>

export const CreateRunRequest = Type.Object(
  {
    repository: RepositoryName,
    branch: RefName,
    commit_sha: CommitSha,
    triggered_by: Type.Optional(
      Text({
        minLength: 1,
        maxLength: 255,
        description:
          'Who caused the run. Believed from service accounts; for all others it is the identity of the token.',
      }),
    ),
    trigger_type: TriggerType,
  },
  { $id: 'CreateRunRequest', additionalProperties: false },
)
export type CreateRunRequest = Static<typeof CreateRunRequest>

export const CreateRunResponse = Type.Object(
  { id: Uuid, status: RunStatus, started_at: Timestamp },
  { $id: 'CreateRunResponse' },
)
export type CreateRunResponse = Static<typeof CreateRunResponse>

/** One thing wrong with a repository's `.forge` configuration. */
export const ConfigurationProblem = Type.Object(
  {
    file: Type.String({ description: 'Path of the file in the repository.' }),
    path: Type.String({ description: 'Where in the file, as a JSON pointer (RFC 6901).' }),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
    message: Type.String(),
  },
  { $id: 'ConfigurationProblem' },
)
export type ConfigurationProblem = Static<typeof ConfigurationProblem>

export const Step = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    status: WorkStatus,
    exit_code: Type.Union([Type.Integer(), Type.Null()]),
    logs_url: Type.String({
      description:
        'Readable without a token for 15 minutes after this answer; ?follow=true streams.',
    }),
    error: Type.Optional(
      Type.String({ description: 'Why it failed, where the exit code does not say it.' }),
    ),
    started_at: NullableTimestamp,
    completed_at: NullableTimestamp,
  },
  { $id: 'Step' },
)
export type Step = Static<typeof Step>

export const Task = Type.Object(
  {
    id: Uuid,
    project_name: Type.String(),
    status: WorkStatus,
    attempt: Type.Integer({ minimum: 0, description: 'Attempts begun; 0 before the first.' }),
    error: Type.Optional(Type.String()),
    started_at: NullableTimestamp,
    completed_at: NullableTimestamp,
    steps: Type.Array(Step),
  },
  { $id: 'Task' },
)
export type Task = Static<typeof Task>

export const Phase = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    group_number: Type.Integer({ minimum: 1 }),
    status: PhaseStatus,
    started_at: NullableTimestamp,
    completed_at: NullableTimestamp,
    tasks: Type.Array(Task),
  },
  { $id: 'Phase' },
)
export type Phase = Static<typeof Phase>

/** The workflow that orchestrates a run, where that is not the server. */
export const RunWorkflow = Type.Object(
  {
    name: Type.String(),
    status: Type.Enum(['waiting', 'running', 'ended'], {
      description: 'waiting: it has not been submitted yet.',
    }),
    message: Type.Optional(
      Type.String({ description: 'Why it waits, or what the workflow says of itself.' }),
    ),
  },
  { $id: 'RunWorkflow' },
)
export type RunWorkflow = Static<typeof RunWorkflow>

export const Run = Type.Object(
  {
    id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    commit_sha: Type.String(),
    status: RunStatus,
    triggered_by: Type.String(),
    trigger_type: TriggerType,
    started_at: Timestamp,
    completed_at: NullableTimestamp,
    message: Type.Optional(
      Type.String({
        description: 'What a person should know of how the run ended, failed or not.',
      }),
    ),
    problems: Type.Optional(
      Type.Array(ConfigurationProblem, { description: 'What discovery found wrong, all at once.' }),
    ),
    workflow: Type.Optional(RunWorkflow),
    phases: Type.Array(Phase),
  },
  { $id: 'Run' },
)
export type Run = Static<typeof Run>

export const RunSummary = Type.Object(
  {
    id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    commit_sha: Type.String(),
    status: RunStatus,
    trigger_type: TriggerType,
    triggered_by: Type.String(),
    started_at: Timestamp,
    completed_at: NullableTimestamp,
  },
  { $id: 'RunSummary' },
)
export type RunSummary = Static<typeof RunSummary>

export const ListRunsQuery = Type.Object(
  {
    repository: RepositoryName,
    branch: Type.Optional(RefName),
    limit: Type.Optional(Limit),
    offset: Type.Optional(Offset),
  },
  { $id: 'ListRunsQuery', additionalProperties: false },
)
export type ListRunsQuery = Static<typeof ListRunsQuery>

export const ListRunsResponse = Type.Object(
  {
    runs: Type.Array(RunSummary),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  },
  { $id: 'ListRunsResponse' },
)
export type ListRunsResponse = Static<typeof ListRunsResponse>

export const UpdateTaskStatusRequest = Type.Object(
  {
    status: Type.Enum(['running', 'success', 'failed']),
    error: Type.Optional(Text({ maxLength: 10_000 })),
  },
  { $id: 'UpdateTaskStatusRequest', additionalProperties: false },
)
export type UpdateTaskStatusRequest = Static<typeof UpdateTaskStatusRequest>

export const UpdateStepStatusRequest = Type.Object(
  {
    status: Type.Enum(['running', 'success', 'failed']),
    exit_code: Type.Optional(Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647 })),
    logs_s3_key: Type.Optional(Text({ maxLength: 1024 })),
  },
  { $id: 'UpdateStepStatusRequest', additionalProperties: false },
)
export type UpdateStepStatusRequest = Static<typeof UpdateStepStatusRequest>

/** Answer of both status updates: what the row says now. */
export const StatusUpdateResponse = Type.Object(
  { id: Uuid, status: WorkStatus },
  { $id: 'StatusUpdateResponse' },
)
export type StatusUpdateResponse = Static<typeof StatusUpdateResponse>
