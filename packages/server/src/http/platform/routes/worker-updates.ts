import {
  StatusUpdateResponse,
  UpdateStepStatusRequest,
  UpdateTaskStatusRequest,
} from '@slipway/contract/runs'
import { Uuid } from '@slipway/contract/fields'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import { reportStepStatus, reportTaskStatus, type RunsDeps } from '../../../runs/index.ts'

const WorkParams = Type.Object({ id: Uuid })

/** What workers report (API & Operations Reference, "Internal Pipeline APIs"). */
export function workerUpdateRoutes(deps: { runs: RunsDeps }): FastifyPluginAsync {
  return async (app) => {
    app.put<{ Params: { id: string }; Body: UpdateTaskStatusRequest }>(
      '/tasks/:id/status',
      {
        schema: {
          operationId: 'updateTaskStatus',
          tags: ['Workers'],
          summary: 'Report a task’s status',
          description:
            'States only move forward. The same report again changes nothing; a contradicting or late one is 409.',
          params: WorkParams,
          body: UpdateTaskStatusRequest,
          response: { 200: StatusUpdateResponse },
        },
      },
      async (request) => {
        const { principal } = request
        const { status, error } = request.body
        const taskId = request.params.id
        return reportTaskStatus(deps.runs, { principal, taskId, status, error })
      },
    )

    app.put<{ Params: { id: string }; Body: UpdateStepStatusRequest }>(
      '/steps/:id/status',
      {
        schema: {
          operationId: 'updateStepStatus',
          tags: ['Workers'],
          summary: 'Report a step’s status',
          description:
            'States only move forward. The same report again changes nothing; a contradicting or late one is 409.',
          params: WorkParams,
          body: UpdateStepStatusRequest,
          response: { 200: StatusUpdateResponse },
        },
      },
      async (request) => {
        const { status, exit_code, logs_s3_key } = request.body
        const stepId = request.params.id
        return reportStepStatus(deps.runs, {
          principal: request.principal,
          stepId,
          status,
          exitCode: exit_code,
          logKey: logs_s3_key,
        })
      },
    )
  }
}
