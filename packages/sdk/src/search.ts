import type { SearchQuery, SearchResponse, SearchResult } from '@slipway/contract/search'
import type { CallOptions, Transport } from './transport.ts'

export interface SearchApi {
  /** One page of what the words are found in, newest first. */
  find(query: SearchQuery, options?: CallOptions): Promise<SearchResponse>
  /** All of it from `cursor` on, `limit` to a request. */
  iterate(query: SearchQuery, options?: CallOptions): AsyncIterable<SearchResult>
}

export function searchApi(transport: Transport): SearchApi {
  const find: SearchApi['find'] = async (query, { signal } = {}) =>
    (await transport.json({ path: 'v1/search', query: { ...query }, signal })) as SearchResponse
  return {
    find,
    async *iterate(query, options) {
      let page = await find(query, options)
      for (;;) {
        yield* page.results
        if (page.next_cursor === null) return
        page = await find({ ...query, cursor: page.next_cursor }, options)
      }
    },
  }
}
