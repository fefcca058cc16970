import { TriggerPipelineRequest, TriggerPipelineResponse } from '@slipway/contract/pipelines'
import type { FastifyPluginAsync } from 'fastify'
import {
  type MonitorDeps,
  triggerPipeline,
  type WorkflowDispatcher,
} from '../../../monitor/index.ts'
import { refusals } from '../refusals.ts'

export interface TriggerRoutesDeps {
  monitor: MonitorDeps
  /** Null: the server has nothing to ask GitHub with. */
  dispatcher: WorkflowDispatcher | null
  /** Aborts when the server stops. */
  signal: AbortSignal
}

/** `POST /trigger` (Pipeline Status API Documentation). */
export function triggerRoutes(deps: TriggerRoutesDeps): FastifyPluginAsync {
  const { monitor, dispatcher, signal } = deps
  return async (app) => {
    app.post<{ Body: TriggerPipelineRequest }>(
      '/trigger',
      {
        schema: {
          operationId: 'triggerPipeline',
          tags: ['Pipelines'],
          summary: 'Start a workflow',
          description:
            'The workflow must have the trigger `workflow_dispatch`. It is never started twice for one request.',
          body: TriggerPipelineRequest,
          response: {
            200: TriggerPipelineResponse,
            ...refusals({
              404: 'There is no such repository or workflow.',
              503: 'GitHub cannot be reached, or does not let us; `details` says which.',
            }),
          },
        },
      },
      // Not given up because the caller leaves: what was asked for is done, or is not.
      ({ principal, body }) =>
        triggerPipeline({ db: monitor.db, dispatcher }, { principal, request: body }, signal),
    )
  }
}
