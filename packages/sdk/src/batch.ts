import type {
  BatchApproveRequest,
  BatchApproveResponse,
  BatchCancelRequest,
  BatchCancelResponse,
  BatchPromoteRequest,
  BatchPromoteResponse,
} from '@slipway/contract/batch'
import type { CallOptions, Transport } from './transport.ts'

/**
 * Many calls in one. They resolve whatever became of the items: each has the status that the single
 * call would have answered.
 */
export interface BatchApi {
  cancel(request: BatchCancelRequest, options?: CallOptions): Promise<BatchCancelResponse>
  approve(request: BatchApproveRequest, options?: CallOptions): Promise<BatchApproveResponse>
  promote(request: BatchPromoteRequest, options?: CallOptions): Promise<BatchPromoteResponse>
}

export function batchApi(transport: Transport): BatchApi {
  const send = (what: string, body: object, { signal }: CallOptions = {}) =>
    transport.json({ method: 'POST', path: `v1/batch/${what}`, body, signal })
  return {
    cancel: async (request, options) =>
      (await send('cancel', request, options)) as BatchCancelResponse,
    approve: async (request, options) =>
      (await send('approve', request, options)) as BatchApproveResponse,
    promote: async (request, options) =>
      (await send('promote', request, options)) as BatchPromoteResponse,
  }
}
