import type {
  CreateRunRequest,
  CreateRunResponse,
  ListRunsQuery,
  ListRunsResponse,
  Run,
  RunSummary,
} from '@slipway/contract/runs'
import { paginate } from './paginate.ts'
import type { CallOptions, Transport } from './transport.ts'
import { watchRun } from './watch-run.ts'

export interface RunsApi {
  /** Starts a run. `resource_conflict` names in `details` the active run of the same commit and ref. */
  create(request: CreateRunRequest, options?: CallOptions): Promise<CreateRunResponse>
  get(id: string, options?: CallOptions): Promise<Run>
  list(query: ListRunsQuery, options?: CallOptions): Promise<ListRunsResponse>
  /** Every run of the list from `offset` on, newest first, `limit` to a request. */
  iterate(query: ListRunsQuery, options?: CallOptions): AsyncIterable<RunSummary>
  /** Resolves when the run is cancelled, also when it was already; a finished one is a conflict. */
  cancel(id: string, options?: CallOptions): Promise<void>
  /**
   * The run as it is now, and again each time that it changed, the last one finished.
   * Fast changes are given as one.
   */
  watch(id: string, options?: CallOptions): AsyncIterable<Run>
}

export function runsApi(transport: Transport): RunsApi {
  const path = (id: string) => `v1/runs/${encodeURIComponent(id)}`
  const list: RunsApi['list'] = async (query, { signal } = {}) =>
    (await transport.json({ path: 'v1/runs', query: { ...query }, signal })) as ListRunsResponse
  const get: RunsApi['get'] = async (id, { signal } = {}) =>
    (await transport.json({ path: path(id), signal })) as Run

  return {
    list,
    get,
    async create(request, { signal } = {}) {
      const input = { method: 'POST', path: 'v1/runs', body: request, signal } as const
      return (await transport.json(input)) as CreateRunResponse
    },
    iterate: (query, options) =>
      paginate(async (offset, limit) => {
        const { runs, total } = await list({ ...query, offset, limit }, options)
        return { items: runs, total }
      }, query),
    async cancel(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: path(id), signal })
    },
    watch: (id, options = {}) => watchRun(transport, get, id, options),
  }
}
