import { RepositoryName } from '@slipway/contract/fields'
import {
  PipelineInsightsQuery,
  PipelineInsightsResponse,
} from '@slipway/contract/pipeline-insights'
import {
  PipelineHistoryQuery,
  PipelineHistoryResponse,
  PipelineMetricsQuery,
  PipelineMetricsResponse,
  PipelineStatusQuery,
  PipelineStatusResponse,
} from '@slipway/contract/pipelines'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  getHistory,
  getInsights,
  getMetrics,
  getStatus,
  type MonitorDeps,
} from '../../../monitor/index.ts'
import { refusals } from '../refusals.ts'
import { writeKept } from '../write-kept.ts'

export interface PipelineRoutesDeps {
  monitor: MonitorDeps
  /** Aborts when the server stops. */
  signal: AbortSignal
}

const HistoryParams = Type.Object({ repo: RepositoryName })
const tags = ['Pipelines']
const away = 'GitHub cannot be asked, and nothing is stored; see `Retry-After`.'
const awayOrBusy = `${away} Or too many ask at once.`

/** What is known of GitHub Actions (Pipeline Status API Documentation). Nothing here asks GitHub where the answer is stored. */
export function pipelineRoutes(deps: PipelineRoutesDeps): FastifyPluginAsync {
  const { monitor, signal } = deps
  return async (app) => {
    app.get<{ Querystring: PipelineStatusQuery }>(
      '/status',
      {
        serializerCompiler: () => writeKept,
        schema: {
          operationId: 'getPipelineStatus',
          tags,
          summary: 'Show the current status of pipelines',
          description: 'The newest run of each repository, workflow and branch, newest first.',
          querystring: PipelineStatusQuery,
          response: { 200: PipelineStatusResponse, ...refusals({ 503: away }) },
        },
      },
      ({ principal, query }) => getStatus(monitor, { principal, query }),
    )

    app.get<{ Params: { repo: string }; Querystring: PipelineHistoryQuery }>(
      '/history/:repo',
      {
        serializerCompiler: () => writeKept,
        schema: {
          operationId: 'getPipelineHistory',
          tags,
          summary: 'List the runs of a repository',
          description:
            'Newest first, with jobs, steps and artifacts. The repository may be written as `owner/name` or `owner%2Fname`; one that is not watched is read through.',
          params: HistoryParams,
          querystring: PipelineHistoryQuery,
          response: { 200: PipelineHistoryResponse, ...refusals({ 503: away }) },
        },
      },
      ({ principal, params, query }) =>
        getHistory(monitor, { principal, repository: params.repo, query }, signal),
    )

    app.get<{ Querystring: PipelineMetricsQuery }>(
      '/metrics',
      {
        schema: {
          operationId: 'getPipelineMetrics',
          tags,
          summary: 'Count and time the runs of a range',
          querystring: PipelineMetricsQuery,
          response: {
            200: PipelineMetricsResponse,
            ...refusals({ 404: 'There is no such repository.', 503: away }),
          },
        },
      },
      ({ principal, query }) => getMetrics(monitor, { principal, query }, signal),
    )

    app.get<{ Querystring: PipelineInsightsQuery }>(
      '/insights',
      {
        schema: {
          operationId: 'getPipelineInsights',
          tags,
          summary: 'Find what is slow or flaky, and how delivery goes',
          description:
            'Durations and waits by workflow, the slowest and flakiest jobs and steps, and the four DORA measures. Computed at most once a minute.',
          querystring: PipelineInsightsQuery,
          response: {
            200: PipelineInsightsResponse,
            ...refusals({ 404: 'There is no such repository.', 503: awayOrBusy }),
          },
        },
      },
      ({ principal, query }) => getInsights(monitor, { principal, query }, signal),
    )
  }
}
