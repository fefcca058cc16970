import {
  ListSecretsQuery,
  ListSecretsResponse,
  PutSecretRequest,
  SecretName,
  SecretScope,
  StepSecret,
} from '@slipway/contract/secrets'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  deleteSecret,
  listSecrets,
  putSecret,
  type StepSecretsDeps,
} from '../../../secrets/index.ts'

export interface SecretRoutesDeps {
  secrets: StepSecretsDeps
}

const SecretParams = Type.Object({ scope: SecretScope, name: SecretName })
type Params = { scope: string; name: string }

/** `/v1/secrets`: what steps are given and nobody is shown. */
export function secretRoutes({ secrets }: SecretRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Querystring: ListSecretsQuery }>(
      '/secrets',
      {
        schema: {
          operationId: 'listSecrets',
          tags: ['Secrets'],
          summary: 'List the secrets of steps',
          description:
            'Names only: no answer ever holds a value. With `organisation` or `repository`, those of that scope.',
          querystring: ListSecretsQuery,
          response: { 200: ListSecretsResponse },
        },
      },
      async ({ principal, query }) => {
        const { organisation, repository, limit = 20, offset = 0 } = query
        const scopes = [organisation, repository].filter((scope) => scope !== undefined)
        return listSecrets(secrets, { principal, scopes, limit, offset })
      },
    )

    app.put<{ Params: Params; Body: PutSecretRequest }>(
      '/secrets/:scope/:name',
      {
        schema: {
          operationId: 'putSecret',
          tags: ['Secrets'],
          summary: 'Set a secret',
          description:
            'Makes it or replaces its value. `scope` is an organisation, whose repositories all have it, or a repository (`owner%2Fname`), which comes before its organisation.',
          params: SecretParams,
          body: PutSecretRequest,
          response: { 200: StepSecret, 201: StepSecret },
        },
      },
      async ({ principal, params, body }, reply) => {
        const { secret, created } = await putSecret(secrets, { principal, ...params, ...body })
        return reply.code(created ? 201 : 200).send(secret)
      },
    )

    app.delete<{ Params: Params }>(
      '/secrets/:scope/:name',
      {
        schema: {
          operationId: 'deleteSecret',
          tags: ['Secrets'],
          summary: 'Delete a secret',
          description: 'Steps that ask for it fail from now on.',
          params: SecretParams,
          response: { 204: Type.Null({ description: 'The secret is deleted.' }) },
        },
      },
      async ({ principal, params }, reply) => {
        await deleteSecret(secrets, { principal, ...params })
        return reply.code(204).send()
      },
    )
  }
}
