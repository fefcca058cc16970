import { ListEnvironmentsQuery, ListEnvironmentsResponse } from '@slipway/contract/environments'
import type { FastifyPluginAsync } from 'fastify'
import type { Kysely } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import { type Environments, listEnvironments } from '../../../environments/index.ts'
import { refusals } from '../refusals.ts'

export interface EnvironmentRoutesDeps {
  db: Kysely<Tables>
  environments: Environments
}

/** `/v1/environments`: where releases are deployed to, and on what terms. */
export function environmentRoutes(deps: EnvironmentRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Querystring: ListEnvironmentsQuery }>(
      '/environments',
      {
        schema: {
          operationId: 'listEnvironments',
          tags: ['Approvals'],
          summary: 'List the environments and their policies',
          description:
            'With `release_id`: what holds for that release. The `.forge` files of its commit can tighten the server’s policy, never loosen it.',
          querystring: ListEnvironmentsQuery,
          response: {
            200: ListEnvironmentsResponse,
            ...refusals({ 404: 'There is no such release.' }),
          },
        },
      },
      async ({ principal, query }) =>
        listEnvironments(deps, { principal, releaseId: query.release_id }),
    )
  }
}
