import {
  CreateCredentialRequest,
  CredentialResponse,
  type CredentialType,
  credentialFields,
  DoneResponse,
  IntegerId,
  ListCredentialsResponse,
  ListCredentialTypesResponse,
  UpdateCredentialRequest,
  VerificationResponse,
  VerifyCredentialRequest,
} from '@slipway/contract/credentials'
import { credentialTypes } from '@slipway/contract/vocabulary'
import { ListRepositoriesQuery } from '@slipway/contract/repositories'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  createCredential,
  deleteCredential,
  getCredential,
  listCredentials,
  updateCredential,
  verifyCredential,
  type VerifyDeps,
} from '../../../credentials/index.ts'
import { refusals } from '../refusals.ts'

export interface CredentialRoutesDeps {
  credentials: VerifyDeps
  /** Aborts when the server stops. */
  signal: AbortSignal
}

const Params = Type.Object({ id: IntegerId })
type Params = { id: number }
const success = true as const
const tags = ['Credentials']
const taken = { 409: 'There is a credential with this name already.' }

/** `/api/credentials`: logins of Git remotes and registries. Each answer says that they exist, none what they hold. */
export function credentialRoutes(deps: CredentialRoutesDeps): FastifyPluginAsync {
  const { credentials, signal } = deps
  return async (app) => {
    app.get<{ Querystring: ListRepositoriesQuery }>(
      '/credentials',
      {
        schema: {
          operationId: 'listCredentials',
          tags,
          summary: 'List the credentials',
          description: 'Without what they hold.',
          querystring: ListRepositoriesQuery,
          response: { 200: ListCredentialsResponse },
        },
      },
      async ({ principal, query }) => {
        const { name, limit = 100, offset = 0 } = query
        const found = await listCredentials(credentials, { principal, name, limit, offset })
        return { success, ...found }
      },
    )

    app.get(
      '/credentials/types',
      {
        schema: {
          operationId: 'listCredentialTypes',
          tags,
          summary: 'List the types of credentials',
          description: 'With what the `credential_data` of each holds.',
          response: { 200: ListCredentialTypesResponse },
        },
      },
      async () => {
        const types = Object.entries(credentialTypes).map(([name, description]) => ({
          credential_type: name as CredentialType,
          description,
          fields: credentialFields(name as CredentialType),
        }))
        return { success, credential_types: types, count: types.length }
      },
    )

    app.post<{ Body: CreateCredentialRequest }>(
      '/credentials',
      {
        schema: {
          operationId: 'createCredential',
          tags,
          summary: 'Store a credential',
          description: 'It is encrypted, and never shown again.',
          body: CreateCredentialRequest,
          response: { 201: CredentialResponse, ...refusals(taken) },
        },
      },
      async ({ principal, body }, reply) => {
        const credential = await createCredential(credentials, { principal, request: body })
        return reply.code(201).send({ success, credential })
      },
    )

    app.get<{ Params: Params }>(
      '/credentials/:id',
      {
        schema: {
          operationId: 'getCredential',
          tags,
          summary: 'Show a credential',
          description: 'Without what it holds.',
          params: Params,
          response: { 200: CredentialResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        credential: await getCredential(credentials, { principal, id: params.id }),
      }),
    )

    app.put<{ Params: Params; Body: UpdateCredentialRequest }>(
      '/credentials/:id',
      {
        schema: {
          operationId: 'updateCredential',
          tags,
          summary: 'Change a credential',
          description:
            'New `credential_data` replaces the old as a whole, and comes with its `credential_type`, which stays.',
          params: Params,
          body: UpdateCredentialRequest,
          response: { 200: CredentialResponse, ...refusals(taken) },
        },
      },
      async ({ principal, params, body }) => ({
        success,
        credential: await updateCredential(credentials, { principal, ...params, request: body }),
      }),
    )

    app.delete<{ Params: Params }>(
      '/credentials/:id',
      {
        schema: {
          operationId: 'deleteCredential',
          tags,
          summary: 'Delete a credential',
          params: Params,
          response: { 200: DoneResponse, ...refusals({ 409: 'A repository uses it.' }) },
        },
      },
      async ({ principal, params }) => {
        await deleteCredential(credentials, { principal, id: params.id })
        return { success, message: `Credential ${params.id} is deleted` }
      },
    )

    app.post<{ Params: Params; Body: VerifyCredentialRequest }>(
      '/credentials/:id/verify',
      {
        schema: {
          operationId: 'verifyCredential',
          tags,
          summary: 'Try a credential',
          description:
            'Opens a key, and logs in to `url`, or else to a repository that uses it or the registry of its type.',
          params: Params,
          body: VerifyCredentialRequest,
          response: { 200: VerificationResponse },
        },
      },
      async ({ principal, params, body }) => {
        const input = { principal, id: params.id, url: body?.url }
        const { isVerified, message } = await verifyCredential(credentials, input, signal)
        return { success, is_verified: isVerified, message }
      },
    )
  }
}
