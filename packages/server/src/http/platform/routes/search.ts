import { SearchQuery, SearchResponse } from '@slipway/contract/search'
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import { limitConcurrency } from '../../../events/index.ts'
import { search, type SearchDeps } from '../../../search/index.ts'

export type SearchRoutesDeps = SearchDeps

/** Searches at once: each may keep PostgreSQL busy for seconds, and all else must go on meanwhile. */
const maxSearches = 2

/** `/v1/search`: ours ("Potential Enhancements: Enhanced Filtering"). */
export function searchRoutes(deps: SearchRoutesDeps): FastifyPluginAsync {
  const inTurn = limitConcurrency(maxSearches)
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
      async ({ principal, query }) => inTurn(() => search(deps, { principal, query })),
    )
  }
}
