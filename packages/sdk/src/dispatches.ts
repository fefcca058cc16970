import type {
  CreateDispatchRequest,
  Dispatch,
  DispatchResult,
  ReportWorkflowRequest,
  ReportWorkflowResponse,
} from '@slipway/contract/dispatches'
import type { CallOptions, Transport } from './transport.ts'

/** Stages of runs that a workflow orchestrates; for service accounts. */
export interface DispatchesApi {
  /** Lets a stage begin. Once more for the same stage answers the same dispatch. */
  create(runId: string, request: CreateDispatchRequest, options?: CallOptions): Promise<Dispatch>
  /** Waits `wait` seconds at most, 0 to 60, for the stage's end; less than the client's time-out. */
  get(runId: string, id: string, options?: CallOptions & { wait?: number }): Promise<Dispatch>
  /** What an ended stage came to, however large. */
  result(runId: string, id: string, options?: CallOptions): Promise<DispatchResult>
  /** Tells how the workflow ended. */
  reportWorkflow(
    runId: string,
    report: ReportWorkflowRequest,
    options?: CallOptions,
  ): Promise<ReportWorkflowResponse>
}

export function dispatchesApi(transport: Transport): DispatchesApi {
  const pathOf = (runId: string) => `v1/runs/${encodeURIComponent(runId)}`
  const dispatch = (runId: string, id: string) =>
    `${pathOf(runId)}/dispatches/${encodeURIComponent(id)}`
  return {
    async create(runId, request, { signal } = {}) {
      const path = `${pathOf(runId)}/dispatches`
      return (await transport.json({
        method: 'POST',
        path,
        body: request,
        isRepeatable: true,
        signal,
      })) as Dispatch
    },
    async get(runId, id, { signal, wait } = {}) {
      return (await transport.json({
        path: dispatch(runId, id),
        query: { wait },
        signal,
      })) as Dispatch
    },
    async result(runId, id, { signal } = {}) {
      return (await transport.json({
        path: `${dispatch(runId, id)}/result`,
        signal,
      })) as DispatchResult
    },
    async reportWorkflow(runId, report, { signal } = {}) {
      return (await transport.json({
        method: 'PUT',
        path: `${pathOf(runId)}/workflow`,
        body: report,
        signal,
      })) as ReportWorkflowResponse
    },
  }
}
