import { DoneResponse, IntegerId, VerificationResponse } from '@slipway/contract/credentials'
import {
  CreateRepositoryRequest,
  ListBranchesResponse,
  ListRepositoriesQuery,
  ListRepositoriesResponse,
  RepositoryResponse,
  UpdateRepositoryRequest,
  ValidateUrlRequest,
  ValidateUrlResponse,
  VerifyRepositoryRequest,
} from '@slipway/contract/repositories'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  createRepository,
  deleteRepository,
  getRepository,
  listBranches,
  listRepositories,
  type RepositoriesDeps,
  updateRepository,
  validateUrl,
  verifyRepository,
} from '../../../repositories/index.ts'
import { refusals } from '../refusals.ts'

export interface RepositoryRoutesDeps {
  repositories: RepositoriesDeps
  /** Aborts when the server stops. */
  signal: AbortSignal
}

const Params = Type.Object({ id: IntegerId })
type Params = { id: number }
const success = true as const
const tags = ['Repositories']
const taken = { 409: 'There is a repository with this name already.' }

/** `/api/repositories`: where repositories are, for all families. */
export function repositoryRoutes(deps: RepositoryRoutesDeps): FastifyPluginAsync {
  const { repositories, signal } = deps
  return async (app) => {
    app.get<{ Querystring: ListRepositoriesQuery }>(
      '/repositories',
      {
        schema: {
          operationId: 'listRepositories',
          tags,
          summary: 'List the repositories',
          querystring: ListRepositoriesQuery,
          response: { 200: ListRepositoriesResponse },
        },
      },
      async ({ principal, query }) => {
        const { name, archived = false, limit = 100, offset = 0 } = query
        const input = { principal, name, archived, limit, offset }
        const found = await listRepositories(repositories, input)
        return { success, ...found }
      },
    )

    app.post<{ Body: CreateRepositoryRequest }>(
      '/repositories',
      {
        schema: {
          operationId: 'createRepository',
          tags,
          summary: 'Register a repository',
          description:
            'It is contacted at once. One that cannot be reached is registered all the same, unverified and with the reason.',
          body: CreateRepositoryRequest,
          response: { 201: RepositoryResponse, ...refusals(taken) },
        },
      },
      async ({ principal, body }, reply) => {
        const input = { principal, request: body }
        const repository = await createRepository(repositories, input, signal)
        return reply.code(201).send({ success, repository })
      },
    )

    app.post<{ Body: ValidateUrlRequest }>(
      '/repositories/validate-url',
      {
        schema: {
          operationId: 'validateRepositoryUrl',
          tags,
          summary: 'Try a URL',
          description: 'Says whether this server may use it, contacts it, and registers nothing.',
          body: ValidateUrlRequest,
          response: { 200: ValidateUrlResponse },
        },
      },
      async ({ principal, body }) => ({
        success,
        ...(await validateUrl(repositories, { principal, request: body }, signal)),
      }),
    )

    app.get<{ Params: Params }>(
      '/repositories/:id',
      {
        schema: {
          operationId: 'getRepository',
          tags,
          summary: 'Show a repository',
          params: Params,
          response: { 200: RepositoryResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        repository: await getRepository(repositories, { principal, id: params.id }),
      }),
    )

    app.put<{ Params: Params; Body: UpdateRepositoryRequest }>(
      '/repositories/:id',
      {
        schema: {
          operationId: 'updateRepository',
          tags,
          summary: 'Change a repository',
          description: 'With another URL or credential it is contacted again.',
          params: Params,
          body: UpdateRepositoryRequest,
          response: { 200: RepositoryResponse, ...refusals(taken) },
        },
      },
      async ({ principal, params, body }) => {
        const input = { principal, id: params.id, request: body }
        return { success, repository: await updateRepository(repositories, input, signal) }
      },
    )

    app.delete<{ Params: Params }>(
      '/repositories/:id',
      {
        schema: {
          operationId: 'deleteRepository',
          tags,
          summary: 'Forget a repository',
          params: Params,
          response: {
            200: DoneResponse,
            ...refusals({ 409: 'A build refers to it, and it is not archived.' }),
          },
        },
      },
      async ({ principal, params }) => {
        await deleteRepository(repositories, { principal, id: params.id })
        return { success, message: `Repository ${params.id} is deleted` }
      },
    )

    app.post<{ Params: Params; Body: VerifyRepositoryRequest }>(
      '/repositories/:id/verify',
      {
        schema: {
          operationId: 'verifyRepository',
          tags,
          summary: 'Contact a repository',
          description:
            'Asks it for its branches (`git ls-remote`). The host key that an SSH server shows the first time is pinned.',
          params: Params,
          body: VerifyRepositoryRequest,
          response: { 200: VerificationResponse },
        },
      },
      async ({ principal, params, body }) => {
        const acceptNewHostKey = body?.accept_new_host_key ?? false
        const input = { principal, id: params.id, acceptNewHostKey }
        const repository = await verifyRepository(repositories, input, signal)
        return {
          success,
          is_verified: repository.is_verified,
          message: repository.verification_message ?? '',
        }
      },
    )

    app.get<{ Params: Params }>(
      '/repositories/:id/branches',
      {
        schema: {
          operationId: 'listRepositoryBranches',
          tags,
          summary: 'List the branches of a repository',
          description: 'As the remote names them at this moment.',
          params: Params,
          response: {
            200: ListBranchesResponse,
            ...refusals({ 503: 'The remote cannot be reached; the message says why.' }),
          },
        },
      },
      async ({ principal, params }) => {
        const branches = await listBranches(repositories, { principal, id: params.id }, signal)
        return { success, branches, count: branches.length }
      },
    )
  }
}
