import Type, { type Static } from 'typebox'
import { OrNull } from './builds.ts'
import { IntegerId } from './credentials.ts'
import { Timestamp } from './fields.ts'

// What builds come to, and what is cleaned up behind them. Source: Enhanced Pipeline API
// Documentation, "Statistics and Maintenance" and "Repository Usage".

const success = Type.Literal(true)

export const BuildStatisticsQuery = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3_650,
        default: 30,
        description: 'Days to look back: builds that were created since then.',
      }),
    ),
  },
  { $id: 'BuildStatisticsQuery', additionalProperties: false },
)
export type BuildStatisticsQuery = Static<typeof BuildStatisticsQuery>

const SuccessRate = Type.Number({
  description: 'Completed ÷ total × 100, with one decimal; 0 where there is none.',
})

export const BuildStatistics = Type.Object(
  {
    period_days: Type.Integer(),
    total_runs: Type.Integer(),
    completed_runs: Type.Integer(),
    failed_runs: Type.Integer(),
    running_runs: Type.Integer(),
    pending_runs: Type.Integer(),
    success_rate: SuccessRate,
    step_usage: Type.Record(Type.String(), Type.Integer(), {
      description: 'Builds with this step; steps that none has are absent.',
    }),
    output_types: Type.Object({
      zip: Type.Integer(),
      docker_image: Type.Integer(),
      both: Type.Integer(),
    }),
    total_build_outputs: Type.Integer(),
  },
  { $id: 'BuildStatistics' },
)
export type BuildStatistics = Static<typeof BuildStatistics>

export const BuildStatisticsResponse = Type.Object(
  { success, statistics: BuildStatistics },
  { $id: 'BuildStatisticsResponse' },
)

export const CleanupResult = Type.Object(
  {
    total_cleaned: Type.Integer(),
    files_cleaned: Type.Integer(),
    images_cleaned: Type.Integer(),
    failed: Type.Integer({ description: 'Outputs that could not be removed this time.' }),
  },
  { $id: 'CleanupResult' },
)
export type CleanupResult = Static<typeof CleanupResult>

export const CleanupResponse = Type.Object(
  { success, cleanup_result: CleanupResult },
  { $id: 'CleanupResponse' },
)

export const RepositoryUsage = Type.Object(
  {
    repository_id: IntegerId,
    repository_name: Type.String(),
    repository_url: Type.String(),
    is_verified: Type.Boolean(),
    total_pipeline_runs: Type.Integer(),
    completed_runs: Type.Integer(),
    failed_runs: Type.Integer(),
    success_rate: SuccessRate,
    total_build_outputs: Type.Integer(),
    last_used_at: OrNull(Timestamp, 'When its newest build was created; null: there is none.'),
    created_at: Timestamp,
  },
  { $id: 'RepositoryUsage' },
)
export type RepositoryUsage = Static<typeof RepositoryUsage>

export const RepositoryUsageResponse = Type.Object(
  { success, repository_usage: RepositoryUsage },
  { $id: 'RepositoryUsageResponse' },
)
