import Type, { type Static } from 'typebox'
import { NullableTimestamp, Timestamp } from './fields.ts'
import { freshness, Seconds } from './pipeline-fields.ts'
import { PipelineMetricsQuery } from './pipelines.ts'

// `GET /api/v2/pipelines/insights`, beyond the document.

const Percent = Type.Number({ description: 'Percent, at most two decimals.' })
const NullableSeconds = Type.Unsafe<number | null>({
  type: ['integer', 'null'],
  minimum: 0,
  description: 'Whole seconds; null where there is nothing to measure.',
})

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
