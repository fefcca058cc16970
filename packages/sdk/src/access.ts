import type {
  AuditEntry,
  CreatedTicket,
  CreatedToken,
  CreateTokenRequest,
  ListAuditQuery,
  ListAuditResponse,
  ListTokensResponse,
  ListTokensQuery,
  RotateTokenRequest,
  Token,
} from '@slipway/contract/access'
import { paginate } from './paginate.ts'
import type { CallOptions, Transport } from './transport.ts'

export interface TokensApi {
  /** The answer alone holds the secret. */
  create(request: CreateTokenRequest, options?: CallOptions): Promise<CreatedToken>
  list(query?: ListTokensQuery, options?: CallOptions): Promise<ListTokensResponse>
  iterate(query?: ListTokensQuery, options?: CallOptions): AsyncIterable<Token>
  /** A new secret, in the answer alone; the one before is refused from then on. */
  rotate(id: string, request?: RotateTokenRequest, options?: CallOptions): Promise<CreatedToken>
  revoke(id: string, options?: CallOptions): Promise<void>
}

export interface TicketsApi {
  /** For one request within a minute that cannot carry a header: `?ticket=…`. */
  create(options?: CallOptions): Promise<CreatedTicket>
}

export interface AuditApi {
  list(query?: ListAuditQuery, options?: CallOptions): Promise<ListAuditResponse>
  /** Every entry from `before` on back to the first, `limit` to a request. */
  iterate(query?: ListAuditQuery, options?: CallOptions): AsyncIterable<AuditEntry>
}

export function tokensApi(transport: Transport): TokensApi {
  const list: TokensApi['list'] = async (query = {}, { signal } = {}) =>
    (await transport.json({ path: 'v1/tokens', query: { ...query }, signal })) as ListTokensResponse
  return {
    list,
    async create(request, { signal } = {}) {
      const input = { method: 'POST', path: 'v1/tokens', body: request, signal } as const
      return (await transport.json(input)) as CreatedToken
    },
    iterate: (query = {}, options) =>
      paginate(async (offset, limit) => {
        const { tokens, total } = await list({ ...query, offset, limit }, options)
        return { items: tokens, total }
      }, query),
    async rotate(id, request = {}, { signal } = {}) {
      const path = `v1/tokens/${encodeURIComponent(id)}/rotate`
      return (await transport.json({ method: 'POST', path, body: request, signal })) as CreatedToken
    },
    async revoke(id, { signal } = {}) {
      const path = `v1/tokens/${encodeURIComponent(id)}`
      await transport.json({ method: 'DELETE', path, signal })
    },
  }
}

export function ticketsApi(transport: Transport): TicketsApi {
  return {
    async create({ signal } = {}) {
      return (await transport.json({ method: 'POST', path: 'v1/tickets', signal })) as CreatedTicket
    },
  }
}

export function auditApi(transport: Transport): AuditApi {
  const list: AuditApi['list'] = async (query = {}, { signal } = {}) =>
    (await transport.json({ path: 'v1/audit', query: { ...query }, signal })) as ListAuditResponse
  return {
    list,
    async *iterate(query = {}, options) {
      const limit = query.limit ?? 100
      let { before } = query
      for (;;) {
        const cursor = before === undefined ? {} : { before }
        const { entries } = await list({ ...query, limit, ...cursor }, options)
        yield* entries
        before = entries.at(-1)?.id
        if (entries.length < limit || before === undefined) return
      }
    },
  }
}
