import Type, { type Static } from 'typebox'
import { NullableTimestamp, RepositoryName, Text, Timestamp } from './fields.ts'

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

const NullableString = Type.Unsafe<string | null>({ type: ['string', 'null'] })
const RunId = Type.Integer({ description: 'GitHub’s id of the workflow run.' })
const Seconds = Type.Integer({ minimum: 0, description: 'Whole seconds.' })
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

/** Beyond the document: how old what is shown may be. */
const freshness = {
  cachedAt: NullableTimestamp,
  stale: Type.Boolean({ description: 'Whether GitHub could not be asked for over a minute.' }),
}

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

const Percent = Type.Number({ description: 'Percent, at most two decimals.' })
const NullableSeconds = Type.Unsafe<number | null>({
  type: ['integer', 'null'],
  minimum: 0,
  description: 'Whole seconds; null where there is nothing to measure.',
})

/** Beyond the document, with all that `GET /insights` answers. */
export const WorkflowInsight = Type.Object(
  {
    repository: Type.String(),
    workflowName: Type.String(),
    workflowId: Type.Integer(),
    runs: Type.Integer({ description: 'Completed runs that were not skipped.' }),
    durationP50: Seconds,
    durationP95: Seconds,
    queueTimeP50: NullableSeconds,
    queueTimeP95: NullableSeconds,
  },
  { $id: 'WorkflowInsight' },
)
export type WorkflowInsight = Static<typeof WorkflowInsight>

const place = {
  repository: Type.String(),
  workflowName: Type.String(),
  job: Type.String(),
  step: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Null: the job as a whole.',
  }),
}

export const SlowPlace = Type.Object(
  { ...place, runs: Type.Integer(), durationP50: Seconds, durationP95: Seconds },
  { $id: 'SlowPlace' },
)
export type SlowPlace = Static<typeof SlowPlace>

export const FlakyPlace = Type.Object(
  {
    ...place,
    commits: Type.Integer({ description: 'Commits on which it ended in success or failure.' }),
    flakes: Type.Integer({
      description: 'Commits on which it failed, and succeeded when it was run again.',
    }),
    flakeRate: Percent,
  },
  { $id: 'FlakyPlace' },
)
export type FlakyPlace = Static<typeof FlakyPlace>

export const DoraMeasures = Type.Object(
  {
    source: Type.Enum(['deployments', 'runs'], {
      description: 'Slipway’s own deployments, or else the runs on the default branch.',
    }),
    deployments: Type.Integer({ description: 'Those that succeeded.' }),
    deploymentFrequency: Type.Number({ description: 'Of those, per day; at most two decimals.' }),
    leadTime: NullableSeconds,
    changeFailureRate: Percent,
    timeToRestore: NullableSeconds,
  },
  { $id: 'DoraMeasures' },
)
export type DoraMeasures = Static<typeof DoraMeasures>

export const PipelineInsightsQuery = Type.Object(
  { ...PipelineMetricsQuery.properties },
  { $id: 'PipelineInsightsQuery', additionalProperties: false },
)
export type PipelineInsightsQuery = Static<typeof PipelineInsightsQuery>

export const PipelineInsightsResponse = Type.Object(
  {
    workflows: Type.Array(WorkflowInsight),
    slowestJobs: Type.Array(SlowPlace),
    slowestSteps: Type.Array(SlowPlace),
    flakiestJobs: Type.Array(FlakyPlace),
    flakiestSteps: Type.Array(FlakyPlace),
    dora: Type.Record(Type.String(), DoraMeasures),
    timeRange: Type.String(),
    timestamp: Timestamp,
    metadata: Type.Object(freshness),
    jobsSince: Type.Unsafe<string | null>({
      ...NullableTimestamp,
      description:
        'Jobs and steps are those of the newest 5,000 runs in the range: this is the oldest of them, if there are more.',
    }),
  },
  { $id: 'PipelineInsightsResponse' },
)
export type PipelineInsightsResponse = Static<typeof PipelineInsightsResponse>
