import type { ListPullRequestsQuery, ListPullRequestsResponse } from '@slipway/contract/github'
import type { CreateRunResponse } from '@slipway/contract/runs'
import type { CallOptions, Transport } from './transport.ts'

export interface PullRequestsApi {
  /** Pull requests from forks, newest first. */
  list(query?: ListPullRequestsQuery, options?: CallOptions): Promise<ListPullRequestsResponse>
  /** Lets a commit of a fork run; `resource_conflict` where it does not wait any longer. */
  approve(id: string, options?: CallOptions): Promise<CreateRunResponse>
}

export function pullRequestsApi(transport: Transport): PullRequestsApi {
  const path = 'v1/pull-requests'
  return {
    async list(query = {}, { signal } = {}) {
      const found = await transport.json({ path, query: { ...query }, signal })
      return found as ListPullRequestsResponse
    },
    async approve(id, { signal } = {}) {
      const to = `${path}/${encodeURIComponent(id)}/approve`
      return (await transport.json({ method: 'POST', path: to, signal })) as CreateRunResponse
    },
  }
}
