import { Text } from '@slipway/contract/fields'
import {
  DeleteRunnerResponse,
  ListRunnerClassesResponse,
  ListRunnersQuery,
  ListRunnersResponse,
  RunnerHeartbeatRequest,
  RunnerResponse,
} from '@slipway/contract/runners'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  beatHeart,
  deleteRunner,
  getRunner,
  listClasses,
  listRunners,
} from '../../../runners/index.ts'
import { answerWith, metadataOf } from '../envelope.ts'
import { refusals } from '../refusals.ts'
import { IdParams, type JobRoutesDeps } from './jobs.ts'

/** The name of a proxy stands where ids do elsewhere: one path cannot have two names for its part. */
const NameParams = Type.Object({
  id: Text({ minLength: 1, maxLength: 200, description: 'Name of the proxy runner.' }),
})
const tags = ['Runners']

/** `/api/runners`: who takes jobs, and what classes there are (GitHub-RunnerHub API Reference). */
export function runnerRoutes(deps: JobRoutesDeps): FastifyPluginAsync {
  const { runners } = deps
  return async (app) => {
    app.get<{ Querystring: ListRunnersQuery }>(
      '',
      {
        schema: {
          operationId: 'listRunners',
          tags,
          summary: 'List the runners',
          description: 'Proxies, ephemeral ones and those that GitHub lists, by name.',
          querystring: ListRunnersQuery,
          response: { 200: ListRunnersResponse },
        },
      },
      async ({ principal, query }) => {
        const { runners: data, pagination } = await listRunners(runners, { principal, query })
        return { success: true, data, pagination, metadata: metadataOf(deps) }
      },
    )

    app.get(
      '/classes',
      {
        schema: {
          operationId: 'listRunnerClasses',
          tags,
          summary: 'List the runner classes',
          description: 'As configured, with how many jobs each one has.',
          response: { 200: ListRunnerClassesResponse },
        },
      },
      async ({ principal }) => answerWith(deps, await listClasses(runners, { principal })),
    )

    app.get<{ Params: IdParams }>(
      '/:id',
      {
        schema: {
          operationId: 'getRunner',
          tags,
          summary: 'Show a runner',
          params: IdParams,
          response: { 200: RunnerResponse },
        },
      },
      async ({ principal, params }) =>
        answerWith(deps, await getRunner(runners, { principal, id: params.id })),
    )

    app.put<{ Params: { id: string }; Body: RunnerHeartbeatRequest }>(
      '/:id',
      {
        preValidation: async (request) => void (request.body ??= {}),
        schema: {
          operationId: 'registerRunner',
          tags,
          summary: 'Register a proxy runner, or say that it is there',
          description: 'A proxy that has not said so for 90 seconds is offline.',
          params: NameParams,
          body: RunnerHeartbeatRequest,
          response: {
            200: RunnerResponse,
            201: { ...RunnerResponse, description: 'It was not known before.' },
          },
        },
      },
      async ({ principal, params, body }, reply) => {
        const { runner, isNew } = await beatHeart(runners, {
          principal,
          name: params.id,
          request: body,
        })
        return reply.code(isNew ? 201 : 200).send(answerWith(deps, runner))
      },
    )

    app.delete<{ Params: IdParams }>(
      '/:id',
      {
        schema: {
          operationId: 'deleteRunner',
          tags,
          summary: 'Remove a runner',
          description: 'One that GitHub lists is removed there, too.',
          params: IdParams,
          response: {
            200: DeleteRunnerResponse,
            ...refusals({ 409: 'It ends with its job: cancel that.' }),
          },
        },
      },
      async ({ principal, params }) => {
        await deleteRunner(runners, { principal, id: params.id })
        return answerWith(deps, { id: params.id })
      },
    )
  }
}
