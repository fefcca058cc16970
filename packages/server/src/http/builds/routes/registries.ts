import { DoneResponse, IntegerId, VerificationResponse } from '@slipway/contract/credentials'
import {
  CreateRegistryRequest,
  ListRegistriesQuery,
  ListRegistriesResponse,
  RegistryResponse,
  UpdateRegistryRequest,
} from '@slipway/contract/registries'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  createRegistry,
  deleteRegistry,
  getRegistry,
  listRegistries,
  type RegistriesDeps,
  testRegistry,
  updateRegistry,
} from '../../../registries/index.ts'
import { refusals } from '../refusals.ts'

export interface RegistryRoutesDeps {
  registries: RegistriesDeps
  /** Aborts when the server stops. */
  signal: AbortSignal
}

const Params = Type.Object({ id: IntegerId })
type Params = { id: number }
const success = true as const
const tags = ['Container registries']
const taken = { 409: 'There is a registry with this name already.' }

/** `/api/registries`: where builds push their images to. */
export function registryRoutes(deps: RegistryRoutesDeps): FastifyPluginAsync {
  const { registries, signal } = deps
  return async (app) => {
    app.get<{ Querystring: ListRegistriesQuery }>(
      '/registries',
      {
        schema: {
          operationId: 'listRegistries',
          tags,
          summary: 'List the container registries',
          querystring: ListRegistriesQuery,
          response: { 200: ListRegistriesResponse },
        },
      },
      async ({ principal, query }) => {
        const { name, archived = false, limit = 100, offset = 0 } = query
        const input = { principal, name, archived, limit, offset }
        return { success, ...(await listRegistries(registries, input)) }
      },
    )

    app.post<{ Body: CreateRegistryRequest }>(
      '/registries',
      {
        schema: {
          operationId: 'createRegistry',
          tags,
          summary: 'Register a container registry',
          description:
            'It is not contacted; `POST /api/registries/{id}/test` does that. Images go to `<registry_url>/<namespace>/<image name>:<tag>`.',
          body: CreateRegistryRequest,
          response: { 201: RegistryResponse, ...refusals(taken) },
        },
      },
      async ({ principal, body }, reply) => {
        const registry = await createRegistry(registries, { principal, request: body })
        return reply.code(201).send({ success, registry })
      },
    )

    app.get<{ Params: Params }>(
      '/registries/:id',
      {
        schema: {
          operationId: 'getRegistry',
          tags,
          summary: 'Show a container registry',
          params: Params,
          response: { 200: RegistryResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        registry: await getRegistry(registries, { principal, id: params.id }),
      }),
    )

    app.put<{ Params: Params; Body: UpdateRegistryRequest }>(
      '/registries/:id',
      {
        schema: {
          operationId: 'updateRegistry',
          tags,
          summary: 'Change a container registry',
          description:
            'With another address or credential it is unverified until it is tried again. Another type without a `registry_url` is where that type is.',
          params: Params,
          body: UpdateRegistryRequest,
          response: { 200: RegistryResponse, ...refusals(taken) },
        },
      },
      async ({ principal, params, body }) => ({
        success,
        registry: await updateRegistry(registries, { principal, id: params.id, request: body }),
      }),
    )

    app.delete<{ Params: Params }>(
      '/registries/:id',
      {
        schema: {
          operationId: 'deleteRegistry',
          tags,
          summary: 'Forget a container registry',
          description: 'What was pushed there stays.',
          params: Params,
          response: {
            200: DoneResponse,
            ...refusals({ 409: 'A build refers to it, and it is not archived.' }),
          },
        },
      },
      async ({ principal, params }) => {
        await deleteRegistry(registries, { principal, id: params.id })
        return { success, message: `Registry ${params.id} is deleted` }
      },
    )

    app.post<{ Params: Params }>(
      '/registries/:id/test',
      {
        schema: {
          operationId: 'testRegistry',
          tags,
          summary: 'Log in to a container registry',
          description:
            'Without a credential it is only asked whether it lets anybody in. A failure is an answer, not an error, and is kept as `verification_message`.',
          params: Params,
          response: { 200: VerificationResponse },
        },
      },
      async ({ principal, params }) => {
        const input = { principal, id: params.id }
        const { isVerified, message } = await testRegistry(registries, input, signal)
        return { success, is_verified: isVerified, message }
      },
    )
  }
}
