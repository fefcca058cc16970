import type { Environment, ListEnvironmentsResponse } from '@slipway/contract/environments'
import type { CallOptions, Transport } from './transport.ts'

export interface EnvironmentsApi {
  /** All environments; with `releaseId`, as they are for that release. */
  list(query?: { releaseId?: string }, options?: CallOptions): Promise<Environment[]>
}

export function environmentsApi(transport: Transport): EnvironmentsApi {
  return {
    async list({ releaseId } = {}, { signal } = {}) {
      const query = { release_id: releaseId }
      const answer = await transport.json({ path: 'v1/environments', query, signal })
      return (answer as ListEnvironmentsResponse).environments
    },
  }
}
