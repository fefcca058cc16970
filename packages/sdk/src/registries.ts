import type { VerificationResponse } from '@slipway/contract/credentials'
import type {
  ContainerRegistry,
  CreateRegistryRequest,
  ListRegistriesQuery,
  ListRegistriesResponse,
  UpdateRegistryRequest,
} from '@slipway/contract/registries'
import type { CallOptions, Transport } from './transport.ts'

/** Container registries that builds push their images to. */
export interface RegistriesApi {
  list(query?: ListRegistriesQuery, options?: CallOptions): Promise<ListRegistriesResponse>
  get(id: number, options?: CallOptions): Promise<ContainerRegistry>
  /** Keeps it, and contacts nobody: `test` does. */
  create(request: CreateRegistryRequest, options?: CallOptions): Promise<ContainerRegistry>
  update(
    id: number,
    request: UpdateRegistryRequest,
    options?: CallOptions,
  ): Promise<ContainerRegistry>
  delete(id: number, options?: CallOptions): Promise<void>
  /** Tries its login. A failure is an answer. */
  test(id: number, options?: CallOptions): Promise<VerificationResponse>
}

export function registriesApi(transport: Transport): RegistriesApi {
  const root = 'api/registries'
  const one = async (input: Parameters<Transport['json']>[0]) =>
    ((await transport.json(input)) as { registry: ContainerRegistry }).registry
  return {
    list: async (query = {}, { signal } = {}) =>
      (await transport.json({ path: root, query: { ...query }, signal })) as ListRegistriesResponse,
    get: (id, { signal } = {}) => one({ path: `${root}/${id}`, signal }),
    create: (request, { signal } = {}) =>
      one({ method: 'POST', path: root, body: request, signal }),
    update: (id, request, { signal } = {}) =>
      one({ method: 'PUT', path: `${root}/${id}`, body: request, signal }),
    async delete(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: `${root}/${id}`, signal })
    },
    async test(id, { signal } = {}) {
      const input = { method: 'POST', path: `${root}/${id}/test`, signal } as const
      return (await transport.json(input)) as VerificationResponse
    },
  }
}
