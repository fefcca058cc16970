import {
  BuildStatisticsQuery,
  BuildStatisticsResponse,
  CleanupResponse,
  RepositoryUsageResponse,
} from '@slipway/contract/build-figures'
import { buildSteps, ListBuildStepsResponse } from '@slipway/contract/builds'
import type { FastifyPluginAsync } from 'fastify'
import { cleanUpOutputs, readRepositoryUsage, readStatistics } from '../../../builds/index.ts'
import { BuildParams, type BuildRoutesDeps } from './pipelines-runs.ts'

const success = true as const
const tags = ['Builds']

/** What builds can do, what became of them, and what is cleaned up behind them. */
export function buildFigureRoutes({ builds, signal }: BuildRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/pipelines/steps',
      {
        schema: {
          operationId: 'listBuildSteps',
          tags,
          summary: 'List the steps that a build may have',
          response: { 200: ListBuildStepsResponse },
        },
      },
      async () => ({ success, build_steps: [...buildSteps], count: buildSteps.length }),
    )

    app.get<{ Querystring: BuildStatisticsQuery }>(
      '/pipelines/statistics',
      {
        schema: {
          operationId: 'getBuildStatistics',
          tags,
          summary: 'Show what became of the builds of the last days',
          querystring: BuildStatisticsQuery,
          response: { 200: BuildStatisticsResponse },
        },
      },
      async ({ principal, query }) => ({
        success,
        statistics: await readStatistics(builds, { principal, days: query.days ?? 30 }),
      }),
    )

    app.post(
      '/pipelines/cleanup',
      {
        schema: {
          operationId: 'cleanUpBuildOutputs',
          tags,
          summary: 'Remove build outputs that have expired',
          description: 'The server does the same by itself every hour.',
          response: { 200: CleanupResponse },
        },
      },
      async ({ principal }) => ({
        success,
        cleanup_result: await cleanUpOutputs(builds, { principal, signal }),
      }),
    )

    app.get<{ Params: BuildParams }>(
      '/pipelines/repositories/:id/usage',
      {
        schema: {
          operationId: 'getRepositoryUsage',
          tags,
          summary: 'Show what a repository has been built into',
          params: BuildParams,
          response: { 200: RepositoryUsageResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        repository_usage: await readRepositoryUsage(builds, {
          principal,
          repositoryId: params.id,
        }),
      }),
    )
  }
}
