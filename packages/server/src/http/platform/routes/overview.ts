import {
  BoardQuery,
  BoardResponse,
  OverviewRepositoriesQuery,
  OverviewRepositoriesResponse,
  RedPipelinesResponse,
  WaitingForMeResponse,
  WaitingReleasesResponse,
} from '@slipway/contract/overview'
import type { FastifyPluginAsync } from 'fastify'
import type { Kysely } from 'kysely'
import type { Tables } from '../../../db/tables.gen.ts'
import type { Environments } from '../../../environments/index.ts'
import {
  listOverviewRepositories,
  listRedPipelines,
  listWaitingForMe,
  listWaitingReleases,
  readBoard,
} from '../../../overview/index.ts'

export interface OverviewRoutesDeps {
  db: Kysely<Tables>
  environments: Environments
}

const tags = ['Overview']

/** What goes across repositories: `/v1/overview/…`, `/v1/board`, `/v1/approvals/waiting`. */
export function overviewRoutes(deps: OverviewRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Querystring: OverviewRepositoriesQuery }>(
      '/overview/repositories',
      {
        schema: {
          operationId: 'listOverviewRepositories',
          tags,
          summary: 'List every repository with what ran in it last, here and at GitHub',
          querystring: OverviewRepositoriesQuery,
          response: { 200: OverviewRepositoriesResponse },
        },
      },
      async ({ principal, query: { search, limit = 20, offset = 0 } }) =>
        listOverviewRepositories(deps, { principal, search, limit, offset }),
    )

    app.get(
      '/overview/red',
      {
        schema: {
          operationId: 'listRedPipelines',
          tags,
          summary: 'List what is red now, and since when',
          response: { 200: RedPipelinesResponse },
        },
      },
      async ({ principal }) => listRedPipelines(deps, { principal }),
    )

    app.get(
      '/overview/waiting',
      {
        schema: {
          operationId: 'listWaitingForMe',
          tags,
          summary: 'List what waits for the caller',
          description:
            'What they may decide, and what they have started that failed; at most 20 of each kind.',
          response: { 200: WaitingForMeResponse },
        },
      },
      async ({ principal }) => listWaitingForMe(deps, { principal }),
    )

    app.get<{ Querystring: BoardQuery }>(
      '/board',
      {
        schema: {
          operationId: 'getBoard',
          tags,
          summary: 'Show which release of each project is in which environment',
          querystring: BoardQuery,
          response: { 200: BoardResponse },
        },
      },
      async ({ principal, query: { repository, search, limit = 20, offset = 0 } }) =>
        readBoard(deps, { principal, repository, search, limit, offset }),
    )

    app.get(
      '/approvals/waiting',
      {
        schema: {
          operationId: 'listWaitingReleases',
          tags,
          summary: 'List releases that wait for an approval',
          response: { 200: WaitingReleasesResponse },
        },
      },
      async ({ principal }) => listWaitingReleases(deps, { principal }),
    )
  }
}
