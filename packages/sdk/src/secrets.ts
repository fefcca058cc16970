import type { ListSecretsQuery, ListSecretsResponse, StepSecret } from '@slipway/contract/secrets'
import { paginate } from './paginate.ts'
import type { CallOptions, Transport } from './transport.ts'

/** Secrets of steps. `scope` is an organisation, or a repository as owner/name. No answer holds a value. */
export interface SecretsApi {
  list(query?: ListSecretsQuery, options?: CallOptions): Promise<ListSecretsResponse>
  iterate(query?: ListSecretsQuery, options?: CallOptions): AsyncIterable<StepSecret>
  /** Makes it, or replaces its value. */
  set(scope: string, name: string, value: string, options?: CallOptions): Promise<StepSecret>
  delete(scope: string, name: string, options?: CallOptions): Promise<void>
}

export function secretsApi(transport: Transport): SecretsApi {
  const path = (scope: string, name: string) =>
    `v1/secrets/${encodeURIComponent(scope)}/${encodeURIComponent(name)}`
  const list: SecretsApi['list'] = async (query = {}, { signal } = {}) =>
    (await transport.json({
      path: 'v1/secrets',
      query: { ...query },
      signal,
    })) as ListSecretsResponse
  return {
    list,
    async *iterate(query = {}, options) {
      const pages = paginate(async (offset, limit) => {
        const { secrets, total } = await list({ ...query, offset, limit }, options)
        const items = secrets.map((secret) => ({ id: `${secret.scope} ${secret.name}`, secret }))
        return { items, total }
      }, query)
      for await (const { secret } of pages) yield secret
    },
    async set(scope, name, value, { signal } = {}) {
      const input = { method: 'PUT', path: path(scope, name), body: { value }, signal } as const
      return (await transport.json(input)) as StepSecret
    },
    async delete(scope, name, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: path(scope, name), signal })
    },
  }
}
