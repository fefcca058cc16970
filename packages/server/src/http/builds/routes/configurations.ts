import {
  ConfigurationResponse,
  ConfigurationUsageResponse,
  CreateConfigurationRequest,
  ListConfigurationsQuery,
  ListConfigurationsResponse,
  UpdateConfigurationRequest,
} from '@slipway/contract/configurations'
import { DoneResponse, IntegerId } from '@slipway/contract/credentials'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  type ConfigurationsDeps,
  createConfiguration,
  deleteConfiguration,
  getConfiguration,
  listConfigurations,
  readUsage,
  updateConfiguration,
} from '../../../configurations/index.ts'
import { refusals } from '../refusals.ts'

export interface ConfigurationRoutesDeps {
  configurations: ConfigurationsDeps
}

const Params = Type.Object({ id: IntegerId })
type Params = { id: number }
const success = true as const
const tags = ['Configurations']
const taken = { 409: 'There is a configuration with this name already.' }

/** `/api/configurations`: keys and values that are merged into files of a build. */
export function configurationRoutes(deps: ConfigurationRoutesDeps): FastifyPluginAsync {
  const { configurations } = deps
  return async (app) => {
    app.get<{ Querystring: ListConfigurationsQuery }>(
      '/configurations',
      {
        schema: {
          operationId: 'listConfigurations',
          tags,
          summary: 'List the configurations',
          querystring: ListConfigurationsQuery,
          response: { 200: ListConfigurationsResponse },
        },
      },
      async ({ principal, query }) => {
        const { name, archived = false, limit = 100, offset = 0 } = query
        const input = { principal, name, archived, limit, offset }
        return { success, ...(await listConfigurations(configurations, input)) }
      },
    )

    app.post<{ Body: CreateConfigurationRequest }>(
      '/configurations',
      {
        schema: {
          operationId: 'createConfiguration',
          tags,
          summary: 'Make a configuration',
          description: 'Settings that cannot be merged into one of the targets are refused.',
          body: CreateConfigurationRequest,
          response: { 201: ConfigurationResponse, ...refusals(taken) },
        },
      },
      async ({ principal, body }, reply) => {
        const configuration = await createConfiguration(configurations, {
          principal,
          request: body,
        })
        return reply.code(201).send({ success, configuration })
      },
    )

    app.get<{ Params: Params }>(
      '/configurations/:id',
      {
        schema: {
          operationId: 'getConfiguration',
          tags,
          summary: 'Show a configuration',
          params: Params,
          response: { 200: ConfigurationResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        configuration: await getConfiguration(configurations, { principal, id: params.id }),
      }),
    )

    app.get<{ Params: Params }>(
      '/configurations/:id/usage',
      {
        schema: {
          operationId: 'getConfigurationUsage',
          tags,
          summary: 'Show which builds refer to a configuration',
          params: Params,
          response: { 200: ConfigurationUsageResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        ...(await readUsage(configurations, { principal, id: params.id })),
      }),
    )

    app.put<{ Params: Params; Body: UpdateConfigurationRequest }>(
      '/configurations/:id',
      {
        schema: {
          operationId: 'updateConfiguration',
          tags,
          summary: 'Change a configuration',
          description: '`settings` and `targets` replace the old ones as a whole.',
          params: Params,
          body: UpdateConfigurationRequest,
          response: {
            200: ConfigurationResponse,
            ...refusals({ 409: `${taken[409].slice(0, -1)}, or it was changed since.` }),
          },
        },
      },
      async ({ principal, params, body }) => {
        const input = { principal, id: params.id, request: body }
        return { success, configuration: await updateConfiguration(configurations, input) }
      },
    )

    app.delete<{ Params: Params }>(
      '/configurations/:id',
      {
        schema: {
          operationId: 'deleteConfiguration',
          tags,
          summary: 'Delete a configuration',
          params: Params,
          response: {
            200: DoneResponse,
            ...refusals({ 409: 'A build refers to it, and it is not archived.' }),
          },
        },
      },
      async ({ principal, params }) => {
        await deleteConfiguration(configurations, { principal, id: params.id })
        return { success, message: `Configuration ${params.id} is deleted` }
      },
    )
  }
}
