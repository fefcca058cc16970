import type {
  ListRunnerClassesResponse,
  ListRunnersQuery,
  ListRunnersResponse,
  Runner,
  RunnerClassInfo,
  RunnerHeartbeatRequest,
  RunnerResponse,
} from '@slipway/contract/runners'
import type { CallOptions, Transport } from './transport.ts'

/** Runners: whoever takes jobs, and the classes that say what serves which. */
export interface RunnersApi {
  /** By name. */
  list(query?: ListRunnersQuery, options?: CallOptions): Promise<ListRunnersResponse>
  get(id: string, options?: CallOptions): Promise<Runner>
  /** As configured, with how many jobs each one has. */
  classes(options?: CallOptions): Promise<RunnerClassInfo[]>
  /** Registers a proxy runner, or says that it is there. */
  register(name: string, request?: RunnerHeartbeatRequest, options?: CallOptions): Promise<Runner>
  /** One that GitHub lists is removed there, too. */
  delete(id: string, options?: CallOptions): Promise<void>
}

const root = 'api/runners'

export function runnersApi(transport: Transport): RunnersApi {
  const pathOf = (id: string) => `${root}/${encodeURIComponent(id)}`
  return {
    list: async (query = {}, { signal } = {}) =>
      (await transport.json({ path: root, query: { ...query }, signal })) as ListRunnersResponse,
    get: async (id, { signal } = {}) =>
      ((await transport.json({ path: pathOf(id), signal })) as RunnerResponse).data,
    async classes({ signal } = {}) {
      const answer = await transport.json({ path: `${root}/classes`, signal })
      return (answer as ListRunnerClassesResponse).data
    },
    async register(name, request = {}, { signal } = {}) {
      const input = { method: 'PUT', path: pathOf(name), body: request, signal } as const
      return ((await transport.json(input)) as RunnerResponse).data
    },
    async delete(id, { signal } = {}) {
      await transport.json({ method: 'DELETE', path: pathOf(id), signal })
    },
  }
}
