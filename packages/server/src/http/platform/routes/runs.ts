import {
  CreateRunRequest,
  CreateRunResponse,
  ListRunsQuery,
  ListRunsResponse,
  Run,
} from '@slipway/contract/runs'
import { Uuid } from '@slipway/contract/fields'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import { originOf } from '../../origin-of.ts'
import { cancelRun, getRun, listRuns, type RunsDeps, startRun } from '../../../runs/index.ts'

export interface RunRoutesDeps {
  runs: RunsDeps
  /** Makes the link to a step's log that needs no token; `origin` is where the caller reached us. */
  logsUrl: (origin: string, stepId: string) => string
}

const RunParams = Type.Object({ id: Uuid })

/** `/v1/runs` (API & Operations Reference, "Pipeline APIs"). */
export function runRoutes(deps: RunRoutesDeps): FastifyPluginAsync {
  const { runs, logsUrl } = deps
  return async (app) => {
    app.post<{ Body: CreateRunRequest }>(
      '/runs',
      {
        schema: {
          operationId: 'createRun',
          tags: ['Runs'],
          summary: 'Start a run for a commit',
          body: CreateRunRequest,
          response: { 201: CreateRunResponse },
        },
      },
      async (request, reply) => {
        const { principal, body } = request
        const run = await startRun(runs, { principal, request: body })
        return reply.code(201).header('location', `/v1/runs/${run.id}`).send(run)
      },
    )

    app.get<{ Querystring: ListRunsQuery }>(
      '/runs',
      {
        schema: {
          operationId: 'listRuns',
          tags: ['Runs'],
          summary: 'List a repository’s runs, newest first',
          querystring: ListRunsQuery,
          response: { 200: ListRunsResponse },
        },
      },
      async (request) => {
        const { repository, branch, limit = 20, offset = 0 } = request.query
        const { principal } = request
        return listRuns(runs, { principal, repository, branch, limit, offset })
      },
    )

    app.get<{ Params: { id: string } }>(
      '/runs/:id',
      {
        schema: {
          operationId: 'getRun',
          tags: ['Runs'],
          summary: 'Get a run with its phases, tasks and steps',
          params: RunParams,
          response: { 200: Run },
        },
      },
      async (request) => {
        const { principal, params } = request
        const origin = originOf(request)
        const links = { db: runs.db, logsUrl: (stepId: string) => logsUrl(origin, stepId) }
        return getRun(links, { principal, runId: params.id })
      },
    )

    app.delete<{ Params: { id: string } }>(
      '/runs/:id',
      {
        schema: {
          operationId: 'cancelRun',
          tags: ['Runs'],
          summary: 'Cancel an active run',
          description:
            'Its processes are stopped. Cancelling a cancelled run changes nothing; one that has ended otherwise is 409.',
          params: RunParams,
          response: { 204: Type.Null({ description: 'The run is cancelled.' }) },
        },
      },
      async (request, reply) => {
        await cancelRun(runs, { principal: request.principal, runId: request.params.id })
        return reply.code(204).send()
      },
    )
  }
}
