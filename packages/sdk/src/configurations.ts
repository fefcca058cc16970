import type {
  Configuration,
  ConfigurationUsageResponse,
  CreateConfigurationRequest,
  ListConfigurationsQuery,
  ListConfigurationsResponse,
  UpdateConfigurationRequest,
} from '@slipway/contract/configurations'
import type { CallOptions, Transport } from './transport.ts'

/** Keys and values that builds merge into files. */
export interface ConfigurationsApi {
  list(query?: ListConfigurationsQuery, options?: CallOptions): Promise<ListConfigurationsResponse>
  get(id: number, options?: CallOptions): Promise<Configuration>
  /** Builds that refer to it. */
  usage(id: number, options?: CallOptions): Promise<ConfigurationUsageResponse>
  create(request: CreateConfigurationRequest, options?: CallOptions): Promise<Configuration>
  update(
    id: number,
    request: UpdateConfigurationRequest,
    options?: CallOptions,
  ): Promise<Configuration>
  delete(id: number, options?: CallOptions): Promise<void>
}

export function configurationsApi(transport: Transport): ConfigurationsApi {
  const root = 'api/configurations'
  const one = async (input: Parameters<Transport['json']>[0]) =>
    ((await transport.json(input)) as { configuration: Configuration }).configuration
  return {
    list: async (query = {}, { signal } = {}) =>
      (await transport.json({
        path: root,
        query: { ...query },
        signal,
      })) as ListConfigurationsResponse,
    get: (id, { signal } = {}) => one({ path: `${root}/${id}`, signal }),
    usage: async (id, { signal } = {}) =>
      (await transport.json({ path: `${root}/${id}/usage`, signal })) as ConfigurationUsageResponse,
    create: (request, { signal } = {}) =>
      one({ method: 'POST', path: root, body: request, signal }),
    update: (id, request, { signal } = {}) =>
      one({ method: 'PUT', path: `${root}/${id}`, body: request, signal }),
    async delete(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: `${root}/${id}`, signal })
    },
  }
}
