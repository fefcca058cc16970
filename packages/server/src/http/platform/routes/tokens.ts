import {
  CreateTokenRequest,
  CreatedToken,
  ListTokensResponse,
  ListTokensQuery,
  RotateTokenRequest,
} from '@slipway/contract/access'
import { Uuid } from '@slipway/contract/fields'
import type { FastifyPluginAsync } from 'fastify'
import type { Kysely } from 'kysely'
import Type from 'typebox'
import { createToken, listTokens, revokeToken, rotateToken } from '../../../access/index.ts'
import type { Tables } from '../../../db/tables.gen.ts'
import { refusals } from '../refusals.ts'

export interface TokenRoutesDeps {
  db: Kysely<Tables>
  /** Ends a revoked token on this server at once. */
  forgetToken: (id: string) => void
}

const TokenParams = Type.Object({ id: Uuid })

/** `/v1/tokens`: who may use the API. */
export function tokenRoutes(deps: TokenRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.post<{ Body: CreateTokenRequest }>(
      '/tokens',
      {
        schema: {
          operationId: 'createToken',
          tags: ['Access'],
          summary: 'Make an API token',
          description:
            'The answer is the only place where the token itself appears. It can neither do nor see more than its maker.',
          body: CreateTokenRequest,
          response: {
            201: CreatedToken,
            ...refusals({ 409: 'A valid token already has this name.' }),
          },
        },
      },
      async ({ principal, body }, reply) => {
        const token = await createToken(deps, { principal, request: body })
        return reply.code(201).header('cache-control', 'no-store').send(token)
      },
    )

    app.get<{ Querystring: ListTokensQuery }>(
      '/tokens',
      {
        schema: {
          operationId: 'listTokens',
          tags: ['Access'],
          summary: 'List the API tokens',
          description:
            'Newest first, with a role those that have it; expired ones are among them, revoked ones are not.',
          querystring: ListTokensQuery,
          response: { 200: ListTokensResponse },
        },
      },
      async ({ principal, query }) => {
        const { role, limit = 20, offset = 0 } = query
        return listTokens(deps, { principal, role, limit, offset })
      },
    )

    app.post<{ Params: { id: string }; Body: RotateTokenRequest }>(
      '/tokens/:id/rotate',
      {
        schema: {
          operationId: 'rotateToken',
          tags: ['Access'],
          summary: 'Give an API token a new secret',
          description:
            'The answer is the only place where it appears. What the token was before ends at once on the server asked, within ten seconds on others; name, roles, repositories and workers that it registered stay.',
          params: TokenParams,
          body: RotateTokenRequest,
          response: {
            200: CreatedToken,
            ...refusals({
              404: 'There is no such token.',
              409: 'It has expired and no new end is given, or it was exchanged for another.',
            }),
          },
        },
      },
      async ({ principal, params, body }, reply) => {
        const token = await rotateToken(deps, { principal, id: params.id, request: body })
        return reply.header('cache-control', 'no-store').send(token)
      },
    )

    app.delete<{ Params: { id: string } }>(
      '/tokens/:id',
      {
        schema: {
          operationId: 'revokeToken',
          tags: ['Access'],
          summary: 'Revoke an API token',
          description:
            'It ends at once on the server asked, within ten seconds on others. Repeating it changes nothing.',
          params: TokenParams,
          response: { 204: Type.Null({ description: 'The token is revoked.' }) },
        },
      },
      async ({ principal, params }, reply) => {
        await revokeToken(deps, { principal, id: params.id })
        return reply.code(204).send()
      },
    )
  }
}
