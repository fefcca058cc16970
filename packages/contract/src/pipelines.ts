import Type, { type Static } from 'typebox'
import { NullableTimestamp, RepositoryName, Text, Timestamp } from './fields.ts'
import { freshness, NullableString, RunId, Seconds } from './pipeline-fields.ts'

// Source of every shape here: Pipeline Status API Documentation (`/api/v2/pipelines`). Fields beyond
// the document's say so.

/** The error body of this family. */
export const StatusError = Type.Object(
  { error: Type.String(), details: Type.String() },
  { $id: 'StatusError', description: 'Error body of the /api/v2/pipelines family.' },
)
export type StatusError = Static<typeof StatusError>

export const PipelineStatus = Type.Enum(['success', 'failure', 'pending', 'running'])
export type PipelineStatus = Static<typeof PipelineStatus>

const BranchName = Text({ minLength: 1, maxLength: 255, description: 'Branch.' })

export const PipelineStep = Type.Object(
  {
    name: Type.String(),
    status: Type.String({ description: 'GitHub’s word.' }),
    conclusion: NullableString,
    job: Type.String({ description: 'Beyond the document: name of its job.' }),
    number: Type.Integer(),
    startedAt: NullableTimestamp,
    completedAt: NullableTimestamp,
  },
  { $id: 'PipelineStep' },
)
export type PipelineStep = Static<typeof PipelineStep>

export const Pipeline = Type.Object(
  {
    repository: Type.String(),
    branch: Type.String(),
    status: PipelineStatus,
    lastRun: Timestamp,
    duration: Seconds,
    workflowName: Type.String(),
    runId: RunId,
    conclusion: NullableString,
    steps: Type.Array(PipelineStep),
    url: Type.String({ description: 'Beyond the document: the run at GitHub.' }),
  },
  { $id: 'Pipeline' },
)
export type Pipeline = Static<typeof Pipeline>

export const PipelineStatusQuery = Type.Object(
  {
    repo: Type.Optional(RepositoryName),
    branch: Type.Optional(BranchName),
    status: Type.Optional(PipelineStatus),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  },
  { $id: 'PipelineStatusQuery', additionalProperties: false },
)
export type PipelineStatusQuery = Static<typeof PipelineStatusQuery>

export const PipelineStatusResponse = Type.Object(
  {
    pipelines: Type.Array(Pipeline),
    metadata: Type.Object({
      total: Type.Integer({ description: 'Matches before the limit.' }),
      timestamp: Timestamp,
      ...freshness,
    }),
  },
  { $id: 'PipelineStatusResponse' },
)
export type PipelineStatusResponse = Static<typeof PipelineStatusResponse>

export const PipelineJob = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    status: PipelineStatus,
    conclusion: NullableString,
    started_at: NullableTimestamp,
    completed_at: NullableTimestamp,
    duration: Seconds,
    steps: Type.Array(
      Type.Object({
        number: Type.Integer(),
        name: Type.String(),
        status: Type.String(),
        conclusion: NullableString,
        started_at: NullableTimestamp,
        completed_at: NullableTimestamp,
      }),
    ),
  },
  { $id: 'PipelineJob' },
)
export type PipelineJob = Static<typeof PipelineJob>

export const PipelineArtifact = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String(),
    size_in_bytes: Type.Integer(),
    expired: Type.Boolean(),
    created_at: NullableTimestamp,
    expires_at: NullableTimestamp,
  },
  { $id: 'PipelineArtifact' },
)
export type PipelineArtifact = Static<typeof PipelineArtifact>

export const PipelineRun = Type.Object(
  {
    id: RunId,
    name: Type.String(),
    status: PipelineStatus,
    conclusion: NullableString,
    created_at: Timestamp,
    updated_at: Timestamp,
    duration: Seconds,
    branch: Type.String(),
    commit_sha: Type.String(),
    commit_message: Type.String(),
    actor: Type.String(),
    attempt: Type.Integer({ description: 'Beyond the document: GitHub’s run_attempt.' }),
    url: Type.String(),
    jobs: Type.Array(PipelineJob),
    artifacts: Type.Array(PipelineArtifact),
  },
  { $id: 'PipelineRun' },
)
export type PipelineRun = Static<typeof PipelineRun>

export const PipelineHistoryQuery = Type.Object(
  {
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
    per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 30 })),
    workflow_id: Type.Optional(
      Text({ minLength: 1, maxLength: 255, description: 'Numeric id or file name.' }),
    ),
    branch: Type.Optional(BranchName),
  },
  { $id: 'PipelineHistoryQuery', additionalProperties: false },
)
export type PipelineHistoryQuery = Static<typeof PipelineHistoryQuery>

export const PipelineHistoryResponse = Type.Object(
  {
    repository: Type.String(),
    runs: Type.Array(PipelineRun),
    metadata: Type.Object({
      page: Type.Integer(),
      per_page: Type.Integer(),
      total: Type.Integer(),
      timestamp: Timestamp,
      ...freshness,
    }),
  },
  { $id: 'PipelineHistoryResponse' },
)
export type PipelineHistoryResponse = Static<typeof PipelineHistoryResponse>

export const TriggerPipelineRequest = Type.Object(
  {
    repository: RepositoryName,
    workflow: Text({
      minLength: 1,
      maxLength: 255,
      description: 'Name, file name, path or numeric id of the workflow.',
    }),
    branch: Type.Optional(
      Text({ minLength: 1, maxLength: 255, description: 'Target branch. Default main.' }),
    ),
    inputs: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        maxProperties: 25,
        description: 'Inputs of the workflow; numbers and booleans are sent as text.',
      }),
    ),
  },
  { $id: 'TriggerPipelineRequest', additionalProperties: false },
)
export type TriggerPipelineRequest = Static<typeof TriggerPipelineRequest>

export const TriggerPipelineResponse = Type.Object(
  {
    success: Type.Boolean(),
    repository: Type.String(),
    workflow: Type.String(),
    branch: Type.String(),
    message: Type.String(),
    timestamp: Timestamp,
    runId: Type.Union([RunId, Type.Null()], {
      description: 'Beyond the document: null where the run could not be told apart in time.',
    }),
    runUrl: NullableString,
  },
  { $id: 'TriggerPipelineResponse' },
)
export type TriggerPipelineResponse = Static<typeof TriggerPipelineResponse>

export const PipelineMetricsQuery = Type.Object(
  {
    repository: Type.Optional(RepositoryName),
    timeRange: Type.Optional(
      Type.String({
        maxLength: 10,
        default: '30d',
        description: 'A number and h, d or w, from 1h to 365d.',
      }),
    ),
    branch: Type.Optional(BranchName),
  },
  { $id: 'PipelineMetricsQuery', additionalProperties: false },
)
export type PipelineMetricsQuery = Static<typeof PipelineMetricsQuery>

export const RepositoryMetrics = Type.Object(
  {
    total: Type.Integer(),
    successful: Type.Integer(),
    failed: Type.Integer(),
    cancelled: Type.Integer(),
    successRate: Type.Number({ description: 'Percent of completed runs, at most two decimals.' }),
    failureRate: Type.Number(),
    averageDuration: Seconds,
    medianDuration: Seconds,
  },
  { $id: 'RepositoryMetrics' },
)
export type RepositoryMetrics = Static<typeof RepositoryMetrics>

export const PipelineMetricsResponse = Type.Object(
  {
    metrics: Type.Record(Type.String(), RepositoryMetrics),
    timeRange: Type.String(),
    timestamp: Timestamp,
    metadata: Type.Object(freshness),
    errors: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Beyond the document: repositories whose figures may lack runs, and why.',
      }),
    ),
  },
  { $id: 'PipelineMetricsResponse' },
)
export type PipelineMetricsResponse = Static<typeof PipelineMetricsResponse>
