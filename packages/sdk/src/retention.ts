import type {
  ChangeRetentionRequest,
  PreviewRetentionQuery,
  PreviewRetentionResponse,
  RetentionRemoval,
  RetentionResponse,
} from '@slipway/contract/retention'
import type { CallOptions, Transport } from './transport.ts'

export interface RetentionApi {
  /** What is kept for how long, and how much there is of it. */
  read(options?: CallOptions): Promise<RetentionResponse>
  /** What the next pass would remove, were things kept so long. */
  preview(query?: PreviewRetentionQuery, options?: CallOptions): Promise<RetentionRemoval[]>
  /** From the next pass on, on every server; null takes a change back. */
  change(request: ChangeRetentionRequest, options?: CallOptions): Promise<RetentionResponse>
}

export function retentionApi(transport: Transport): RetentionApi {
  const path = 'v1/retention'
  return {
    read: async ({ signal } = {}) => (await transport.json({ path, signal })) as RetentionResponse,
    async preview(query = {}, { signal } = {}) {
      const input = { path: `${path}/preview`, query: { ...query }, signal }
      return ((await transport.json(input)) as PreviewRetentionResponse).removes
    },
    async change(request, { signal } = {}) {
      const input = { method: 'PUT', path, body: request, signal } as const
      return (await transport.json(input)) as RetentionResponse
    },
  }
}
