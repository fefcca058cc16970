import type {
  Approval,
  CreateApprovalRequest,
  CreateApprovalResponse,
  ListApprovalsQuery,
  ListApprovalsResponse,
  ListedApproval,
} from '@slipway/contract/approvals'
import type { CallOptions, Transport } from './transport.ts'

export interface ApprovalsApi {
  /** `resource_conflict` names in `details` one's own approval that is still active. */
  create(request: CreateApprovalRequest, options?: CallOptions): Promise<CreateApprovalResponse>
  /** The newest active one, else the newest of all; `resource_not_found` where there is none. */
  get(releaseId: string, environment: string, options?: CallOptions): Promise<Approval>
  list(query?: ListApprovalsQuery, options?: CallOptions): Promise<ListApprovalsResponse>
  /** Every approval of the list from `offset` on, newest first, `limit` to a request. */
  iterate(query?: ListApprovalsQuery, options?: CallOptions): AsyncIterable<ListedApproval>
  /** Resolves when it is revoked, also when it was already; an expired one is a conflict. */
  revoke(id: string, options?: CallOptions): Promise<void>
}

export function approvalsApi(transport: Transport): ApprovalsApi {
  const path = (...parts: string[]) => ['v1/approvals', ...parts.map(encodeURIComponent)].join('/')
  const list: ApprovalsApi['list'] = async (query = {}, { signal } = {}) =>
    (await transport.json({ path: path(), query: { ...query }, signal })) as ListApprovalsResponse

  return {
    list,
    async create(request, { signal } = {}) {
      const input = { method: 'POST', path: path(), body: request, signal } as const
      return (await transport.json(input)) as CreateApprovalResponse
    },
    async get(releaseId, environment, { signal } = {}) {
      return (await transport.json({ path: path(releaseId, environment), signal })) as Approval
    },
    async *iterate(query = {}, options) {
      const { limit = 100 } = query
      let before = new Set<string>()
      for (let offset = query.offset ?? 0; ; offset += limit) {
        const page = await list({ ...query, offset, limit }, options)
        // A list that grows at its front meanwhile shifts.
        for (const item of page.approvals) if (!before.has(item.approval_id)) yield item
        before = new Set(page.approvals.map(({ approval_id }) => approval_id))
        if (!page.has_more) return
      }
    },
    async revoke(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: path(id), signal })
    },
  }
}
