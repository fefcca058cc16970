import type { ListWorkersQuery, ListWorkersResponse, Worker } from '@slipway/contract/worker-api'
import { paginate } from './paginate.ts'
import type { CallOptions, Transport } from './transport.ts'

/** Processes that do jobs: inside of servers, and on other machines. */
export interface WorkersApi {
  /** Newest first. */
  list(query?: ListWorkersQuery, options?: CallOptions): Promise<ListWorkersResponse>
  iterate(query?: ListWorkersQuery, options?: CallOptions): AsyncIterable<Worker>
  /** Has a worker take no new jobs; one on another machine ends when those in hand are done. */
  drain(id: string, options?: CallOptions): Promise<Worker>
}

const root = 'v1/workers'

export function workersApi(transport: Transport): WorkersApi {
  const list: WorkersApi['list'] = async (query = {}, { signal } = {}) =>
    (await transport.json({ path: root, query: { ...query }, signal })) as ListWorkersResponse
  return {
    list,
    iterate: (query = {}, options) =>
      paginate(async (offset, limit) => {
        const { workers, total } = await list({ offset, limit }, options)
        return { items: workers, total }
      }, query),
    async drain(id, { signal } = {}) {
      const path = `${root}/${encodeURIComponent(id)}/drain`
      return (await transport.json({ method: 'POST', path, signal })) as Worker
    },
  }
}
