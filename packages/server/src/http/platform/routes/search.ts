import { SearchQuery, SearchResponse } from '@slipway/contract/search'
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import { search, type SearchDeps } from '../../../search/index.ts'

export type SearchRoutesDeps = SearchDeps

/** `/v1/search`: ours ("Potential Enhancements: Enhanced Filtering"). */
export function searchRoutes(deps: SearchRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Querystring: SearchQuery }>(
      '/search',
      {
        schema: {
          operationId: 'search',
          tags: ['Search'],
          summary: 'Find runs, releases and lines of logs',
          description:
            'All words must be there: in what is known of a run or release, or within some pages of one log. ' +
            'Logs can be searched when their run has ended, up to 8 MiB of each.',
          querystring: SearchQuery,
          response: { 200: SearchResponse },
        },
      },
      async (request) => search(deps, { principal: request.principal, query: request.query }),
    )
  }
}
